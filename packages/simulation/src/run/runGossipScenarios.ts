/**
 * Runs scenarios of the gossip protocol, each with each seed, on worker threads. A run depends on its scenario and seed alone, so
 * neither the number of threads nor the order of the runs changes a result.
 */
import { Effect } from "effect"
import type { GossipRun } from "../gossip/runGossipScenario.ts"
import { type GossipScenario, gossipLabel } from "../scenario/GossipScenario.ts"
import { longestFirst } from "./longestFirst.ts"
import { pool } from "./pool.ts"
import { RunFailed } from "./RunFailed.ts"

/** The input of a worker, as plain data. */
export interface GossipWork {
  readonly scenario: GossipScenario
  readonly seed: bigint
}

export interface GossipWorkDone {
  readonly run: GossipRun
  readonly wallMs: number
}

/** All runs of a scenario, in the order of the seeds. */
export interface GossipScenarioResult {
  readonly scenario: GossipScenario
  readonly seeds: ReadonlyArray<bigint>
  readonly runs: ReadonlyArray<GossipRun>
  /** Real milliseconds of all runs, each on its thread, summed. */
  readonly wallMs: number
}

export interface RunGossipOptions {
  /** Default: one for each processor. Never more than there are runs. */
  readonly threads?: number
  /** Called when a run ends, with the number of runs that have ended. */
  readonly onProgress?: (done: number, total: number) => void
}

export const runGossipScenarios = Effect.fnUntraced(function* (
  scenarios: ReadonlyArray<GossipScenario>,
  seeds: ReadonlyArray<bigint>,
  options: RunGossipOptions = {},
): Effect.fn.Return<ReadonlyArray<GossipScenarioResult>, RunFailed> {
  const groups = scenarios.map((scenario) => seeds.map((seed): GossipWork => ({ scenario, seed })))
  let count = 0
  const done = yield* longestFirst(
    groups,
    ({ scenario }) => costOf(scenario),
    (work) =>
      pool<GossipWork, GossipWorkDone, RunFailed>({
        worker: "gossipWorker",
        work,
        threads: options.threads,
        onDone: () => options.onProgress?.(++count, work.length),
        onFailed: ({ scenario, seed }, message) => new RunFailed({ message, scenario: gossipLabel(scenario), seed }),
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

/** Roughly proportional to the time that a run takes. */
const costOf = ({ nodes, rounds, sim }: GossipScenario): number =>
  nodes * (30 + rounds * (sim === "GossipAll" ? nodes : 1))
