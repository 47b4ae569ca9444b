/** Runs scenarios over real packets, some at a time: they wait much and work little, except in their first seconds. */
import { Effect, Semaphore } from "effect"
import type { SeededScenario, TopicWork } from "../topics/runAllTopics.ts"
import { runInNamespace, type SocketWorkDone } from "./namespace.ts"

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
  const work = scenarios.flatMap(({ scenario, seeds }) =>
    seeds.map((seed): TopicWork => ({ scenario, seed, withLog: options.withLogs })),
  )
  const beginning = yield* Semaphore.make(1)
  const parts = work.map(() => 0)
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
          work.length,
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
  // What is left at the end should be short.
  const order = work.toSorted((a, b) => b.scenario.durationMs - a.scenario.durationMs)
  const done = yield* Effect.forEach(order, run, { concurrency })
  const results = new Map(order.map((each, i) => [each, done[i]!]))
  return scenarios.map(
    ({ scenario }): ReadonlyArray<SocketWorkDone> =>
      work.filter((each) => each.scenario === scenario).map((each) => results.get(each)!),
  )
})
