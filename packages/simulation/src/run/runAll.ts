/**
 * Runs scenarios × seeds on worker threads. Each run depends on its scenario and seed alone, so neither the number of threads
 * nor the order in which they take work changes a result.
 */
import { availableParallelism } from "node:os"
import { Worker } from "node:worker_threads"
import { Effect, Schema } from "effect"
import type { RunResult } from "../gossip/runScenario.ts"
import { label, type Scenario } from "../gossip/Scenario.ts"
import type { Done, Work } from "./work.ts"

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
  const work: ReadonlyArray<Work> = scenarios
    .flatMap((scenario) => seeds.map((seed) => ({ scenario, seed })))
    .map((each, index) => ({ index, ...each }))
  const done = yield* Effect.scoped(runWork(work, options))
  return scenarios.map((scenario, i) => {
    const own = seeds.map((_, j) => done[i * seeds.length + j]!)
    return {
      scenario,
      seeds,
      runs: own.map(({ result }) => result),
      wallMs: own.reduce((sum, { wallMs }) => sum + wallMs, 0),
    }
  })
})

type Finished = Extract<Done, { readonly _tag: "Done" }>

const runWork = Effect.fnUntraced(function* (work: ReadonlyArray<Work>, options: RunAllOptions) {
  const threads = Math.min(options.threads ?? availableParallelism(), work.length)
  const finished: Array<Finished> = []
  // The longest first: what is left at the end should be short.
  const queue = [...work].sort((a, b) => cost(b.scenario) - cost(a.scenario))
  let count = 0
  const drain = (worker: Worker) =>
    Effect.gen(function* () {
      for (;;) {
        const next = queue.shift()
        if (next === undefined) return
        finished[next.index] = yield* ask(worker, next)
        options.onProgress?.(++count, work.length)
      }
    })
  const worker = Effect.acquireRelease(Effect.sync(start), (worker) => Effect.promise(() => worker.terminate()))
  yield* Effect.forEach(Array.from({ length: threads }), () => Effect.flatMap(worker, drain), {
    concurrency: "unbounded",
  })
  return finished
})

/**
 * The worker's file stands beside this one, as TypeScript in the repository and as JavaScript when built. Nearly all that a
 * simulation makes is garbage within a few simulated milliseconds: with room for it, little of it is ever copied.
 */
const start = () => {
  const isSource = import.meta.url.endsWith(".ts")
  return new Worker(new URL(isSource ? "./worker.ts" : "./worker.js", import.meta.url), {
    resourceLimits: { maxYoungGenerationSizeMb: 192 },
    // Whoever runs the sources has this already; a test runner does not.
    ...(isSource ? { execArgv: ["--conditions=@topic-tracker/source"] } : {}),
  })
}

const ask = (worker: Worker, work: Work): Effect.Effect<Finished, RunFailed> =>
  Effect.callback((resume) => {
    const settle = (outcome: Effect.Effect<Finished, RunFailed>) => {
      stop()
      resume(outcome)
    }
    const fail = (message: string) =>
      settle(Effect.fail(new RunFailed({ message, scenario: label(work.scenario), seed: work.seed })))
    const onMessage = (done: Done) => (done._tag === "Done" ? settle(Effect.succeed(done)) : fail(done.message))
    const onError = (error: Error) => fail(error.message)
    const stop = () => {
      worker.off("message", onMessage)
      worker.off("error", onError)
    }
    worker.on("message", onMessage)
    worker.on("error", onError)
    worker.postMessage(work)
    return Effect.sync(stop)
  })

/** Roughly proportional to how long a run takes. */
const cost = ({ nodes, rounds, sim }: Scenario): number => nodes * (30 + rounds * (sim === "GossipAll" ? nodes : 1))
