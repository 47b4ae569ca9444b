/** Runs scenarios over real packets, some at a time: they wait much and work little, except in their first seconds. */
import { Effect, Semaphore } from "effect"
import { longestFirst } from "../run/longestFirst.ts"
import type { SeededScenario, TopicWork } from "../topics/runAllTopics.ts"
import { runInNamespace } from "./namespace.ts"

/** Runs under way at a time: on two cores more of them would be felt in the figures. */
const concurrency = 3

/** The part of a run, in ms of its duration, in which it has the machine to itself. */
const beginningMs = 3_000

export interface RunAllSocketsOptions {
  readonly withLogs: boolean
  /** Called now and then with how many runs are done, those under way by their part. */
  readonly onProgress?: (done: number, total: number) => void
}

/** For each scenario its runs, in the order of the seeds. Ends with the first failure. */
export const runAllSockets = Effect.fnUntraced(function* (
  scenarios: ReadonlyArray<SeededScenario>,
  options: RunAllSocketsOptions,
) {
  const groups = scenarios.map(({ scenario, seeds }) =>
    seeds.map((seed): TopicWork => ({ scenario, seed, withLog: options.withLogs })),
  )
  const beginning = yield* Semaphore.make(1)
  const parts = groups.flat().map(() => 0)
  const run = Effect.fnUntraced(function* (each: TopicWork, index: number) {
    yield* beginning.take(1)
    let isBeginning = true
    const begun = Effect.suspend(() => {
      if (!isBeginning) return Effect.void
      isBeginning = false
      return beginning.release(1)
    })
    return yield* runInNamespace(each, {
      onProgress: (part) => {
        parts[index] = part
        if (part * each.scenario.durationMs >= beginningMs) Effect.runSync(begun)
        options.onProgress?.(
          parts.reduce((sum, done) => sum + done, 0),
          parts.length,
        )
      },
    }).pipe(
      Effect.tap(() =>
        Effect.sync(() => {
          parts[index] = 1
        }),
      ),
      Effect.ensuring(begun),
    )
  })
  return yield* longestFirst(
    groups,
    ({ scenario }) => scenario.durationMs,
    (work) => Effect.forEach(work, run, { concurrency }),
  )
})
