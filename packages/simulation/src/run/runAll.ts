/**
 * Runs scenarios × seeds on worker threads. Each run depends on its scenario and seed alone, so neither the number of threads
 * nor the order in which they take work changes a result.
 */
import { Effect, Schema } from "effect"
import type { RunResult } from "../gossip/runScenario.ts"
import { label, type Scenario } from "../gossip/Scenario.ts"
import { longestFirst } from "./longestFirst.ts"
import { pool } from "./pool.ts"
import type { Work, WorkDone } from "./work.ts"

/** A run came to no end: a bug of the simulation or the protocol. The scenario's name and the seed repeat it. */
export class RunFailed extends Schema.TaggedError<RunFailed>()("RunFailed", {
  message: Schema.String,
  scenario: Schema.String,
  seed: Schema.BigInt,
}) {}

/** All runs of a scenario, in the order of the seeds. */
export interface ScenarioResult {
  readonly scenario: Scenario
  readonly seeds: ReadonlyArray<bigint>
  readonly runs: ReadonlyArray<RunResult>
  /** Time that the runs took, in milliseconds of their threads, together. */
  readonly wallMs: number
}

export interface RunAllOptions {
  /** Default: one for each processor, no more than there are runs. */
  readonly threads?: number
  /** Called when a run ends, with how many have. */
  readonly onProgress?: (done: number, total: number) => void
}

export const runAll = Effect.fnUntraced(function* (
  scenarios: ReadonlyArray<Scenario>,
  seeds: ReadonlyArray<bigint>,
  options: RunAllOptions = {},
): Effect.fn.Return<ReadonlyArray<ScenarioResult>, RunFailed> {
  const groups = scenarios.map((scenario) => seeds.map((seed): Work => ({ scenario, seed })))
  let count = 0
  const done = yield* longestFirst(
    groups,
    ({ scenario }) => cost(scenario),
    (work) =>
      pool<Work, WorkDone, RunFailed>({
        caller: import.meta.url,
        work,
        threads: options.threads,
        onDone: () => options.onProgress?.(++count, work.length),
        onFailed: ({ scenario, seed }, message) => new RunFailed({ message, scenario: label(scenario), seed }),
      }),
  )
  return scenarios.map((scenario, i) => {
    const own = done[i]!
    return {
      scenario,
      seeds,
      runs: own.map(({ run }) => run),
      wallMs: own.reduce((sum, { wallMs }) => sum + wallMs, 0),
    }
  })
})

/** Roughly proportional to how long a run takes. */
const cost = ({ nodes, rounds, sim }: Scenario): number => nodes * (30 + rounds * (sim === "GossipAll" ? nodes : 1))
