/** Runs scenarios of whole topics, each with its seeds, on worker threads, the longest runs first. */
import { Effect } from "effect"
import { type TopicScenario, topicLabel } from "../scenario/TopicScenario.ts"
import type { PartialFigures } from "../world/Figures.ts"
import { longestFirst } from "./longestFirst.ts"
import { pool } from "./pool.ts"
import { RunFailed } from "./RunFailed.ts"
import type { TopicRun } from "./runTopicScenario.ts"

/** The input of a worker, as plain data. */
export interface TopicWork {
  readonly scenario: TopicScenario
  readonly seed: bigint
  /** True: the result has the whole log, not only its hash. */
  readonly withLog: boolean
}

export interface TopicWorkDone {
  readonly run: TopicRun
  /** Empty unless `withLog` was set. */
  readonly log: string
  readonly wallMs: number
}

/** All runs of a scenario, in the order of the seeds. */
export interface TopicScenarioResult {
  readonly scenario: TopicScenario
  readonly seeds: ReadonlyArray<bigint>
  readonly runs: ReadonlyArray<TopicRun>
  readonly logs: ReadonlyArray<string>
  /** Real milliseconds of all runs, each on its thread, summed. */
  readonly wallMs: number
}

export interface RunTopicsOptions {
  /** Default: one for each processor. Never more than there are runs. */
  readonly threads?: number
  readonly withLogs?: boolean
  /** Called repeatedly with the number of runs that are done; a run under way counts with its part, 0 to 1. */
  readonly onProgress?: (done: number, total: number) => void
  /** Called when a run has ended. */
  readonly onRun?: ((work: TopicWork, done: TopicWorkDone) => void) | undefined
  /** Called now and then with the figures so far of a run under way. */
  readonly onSoFar?: ((work: TopicWork, figures: PartialFigures) => void) | undefined
}

/** A scenario that runs once with each of the seeds. */
export interface SeededScenario {
  readonly scenario: TopicScenario
  readonly seeds: ReadonlyArray<bigint>
}

export const runTopicScenarios = Effect.fnUntraced(function* (
  scenarios: ReadonlyArray<SeededScenario>,
  options: RunTopicsOptions = {},
): Effect.fn.Return<ReadonlyArray<TopicScenarioResult>, RunFailed> {
  const withLog = options.withLogs ?? false
  const groups = scenarios.map(({ scenario, seeds }) => seeds.map((seed): TopicWork => ({ scenario, seed, withLog })))
  const total = groups.flat().length
  const parts = new Map<TopicWork, number>()
  const advance = (each: TopicWork, part: number) => {
    parts.set(each, part)
    options.onProgress?.(
      [...parts.values()].reduce((sum, done) => sum + done, 0),
      total,
    )
  }
  const done = yield* longestFirst(
    groups,
    ({ scenario }) => costOf(scenario),
    (work) =>
      pool<TopicWork, TopicWorkDone, RunFailed, PartialFigures>({
        worker: "topicWorker",
        work,
        threads: options.threads,
        onProgress: advance,
        onDone: (result, each) => {
          options.onRun?.(each, result)
          advance(each, 1)
        },
        onSoFar: options.onSoFar,
        onFailed: ({ scenario, seed }, message) => new RunFailed({ message, scenario: topicLabel(scenario), seed }),
      }),
  )
  return scenarios.map(({ scenario, seeds }, i) => {
    const own = done[i]!
    return {
      scenario,
      seeds,
      runs: own.map(({ run }) => run),
      logs: own.map(({ log }) => log),
      wallMs: own.reduce((sum, { wallMs }) => sum + wallMs, 0),
    }
  })
})

/** Roughly proportional to the time that a run takes: joining costs as much as three minutes in the topic. */
const costOf = ({ durationMs, nodes }: TopicScenario): number => nodes * (durationMs + 180_000)
