/** Runs scenarios of whole topics × seeds on worker threads, the longest first. */
import { Effect } from "effect"
import { longestFirst } from "../run/longestFirst.ts"
import { pool } from "../run/pool.ts"
import { RunFailed } from "../run/runAll.ts"
import type { TopicRun } from "./runTopics.ts"
import { labelOf, type TopicScenario } from "./TopicScenario.ts"

/** What a worker is given: plain data. */
export interface TopicWork {
  readonly scenario: TopicScenario
  readonly seed: bigint
  /** Whether the whole log is wanted, and not its hash alone. */
  readonly withLog: boolean
}

export interface TopicWorkDone {
  readonly run: TopicRun
  /** Empty unless it was wanted. */
  readonly log: string
  readonly wallMs: number
}

/** All runs of a scenario, in the order of the seeds. */
export interface TopicScenarioResult {
  readonly scenario: TopicScenario
  readonly seeds: ReadonlyArray<bigint>
  readonly runs: ReadonlyArray<TopicRun>
  readonly logs: ReadonlyArray<string>
  /** Milliseconds that the runs took, each on its thread, together. */
  readonly wallMs: number
}

export interface RunAllTopicsOptions {
  /** Default: one for each processor, no more than there are runs. */
  readonly threads?: number
  readonly withLogs?: boolean
  /** Called now and then with how many runs are done, those under way by their part. */
  readonly onProgress?: (done: number, total: number) => void
}

/** A scenario and the seeds with which it is to run, once with each. */
export interface SeededScenario {
  readonly scenario: TopicScenario
  readonly seeds: ReadonlyArray<bigint>
}

export const runAllTopics = Effect.fnUntraced(function* (
  scenarios: ReadonlyArray<SeededScenario>,
  options: RunAllTopicsOptions = {},
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
    ({ scenario }) => cost(scenario),
    (work) =>
      pool<TopicWork, TopicWorkDone, RunFailed>({
        caller: import.meta.url,
        work,
        threads: options.threads,
        onProgress: advance,
        onDone: (_, each) => advance(each, 1),
        onFailed: ({ scenario, seed }, message) => new RunFailed({ message, scenario: labelOf(scenario), seed }),
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

/** Roughly proportional to how long a run takes: finding each other costs as much as some minutes of being there. */
const cost = ({ durationMs, nodes }: TopicScenario): number => nodes * (durationMs + 180_000)
