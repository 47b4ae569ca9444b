/** Runs scenarios over real packets, a few at a time: after their first seconds they mostly wait. */
import { Effect, Semaphore } from "effect"
import { longestFirst } from "../run/longestFirst.ts"
import type { SeededScenario, TopicWork } from "../run/runTopicScenarios.ts"
import { runInNamespace } from "./namespace.ts"

/** Runs at a time. On two cores, more of them would change the figures. */
const CONCURRENCY = 3

/** The first part of a run, in which no other run starts. */
const START_MS = 3_000

export interface RunAllOverSocketsOptions {
  readonly withLogs: boolean
  /** Called repeatedly with the number of runs that are done; a run under way counts with its part, 0 to 1. */
  readonly onProgress?: (done: number, total: number) => void
}

/** For each scenario its runs, in the order of the seeds. Fails with the first failure. */
export const runAllOverSockets = Effect.fnUntraced(function* (
  scenarios: ReadonlyArray<SeededScenario>,
  options: RunAllOverSocketsOptions,
) {
  const groups = scenarios.map(({ scenario, seeds }) =>
    seeds.map((seed): TopicWork => ({ scenario, seed, withLog: options.withLogs })),
  )
  const startPermit = yield* Semaphore.make(1)
  const parts = groups.flat().map(() => 0)
  const run = Effect.fnUntraced(function* (each: TopicWork, index: number) {
    yield* startPermit.take(1)
    let isStarting = true
    const started = Effect.suspend(() => {
      if (!isStarting) return Effect.void
      isStarting = false
      return startPermit.release(1)
    })
    return yield* runInNamespace(each, {
      onProgress: (part) => {
        parts[index] = part
        if (part * each.scenario.durationMs >= START_MS) Effect.runSync(started)
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
      Effect.ensuring(started),
    )
  })
  return yield* longestFirst(
    groups,
    ({ scenario }) => scenario.durationMs,
    (work) => Effect.forEach(work, run, { concurrency: CONCURRENCY }),
  )
})
