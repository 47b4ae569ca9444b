/**
 * The workers of a joined topic: publisher, bubble merge and message-overlap merge. Each duty of a worker runs in a fiber of its own, by a
 * Schedule. A failed run is logged and counted, and the worker goes on.
 */
import { Duration, Effect, Exit, Random, Schedule } from "effect"
import { upToTwice, wholeMillis } from "../delays.ts"
import type { OwnRecord } from "../OwnRecord.ts"
import type { SessionContext } from "../SessionContext.ts"
import type { Search } from "../search/Search.ts"
import type { Actor } from "../TopicActivity.ts"
import { workerStartFailed } from "../TopicError.ts"
import { mergeBubbles, mergeEarly, mergePartitions } from "./merges.ts"
import { runPublisher } from "./publisher.ts"

/** The parts of a session that workers use. */
export interface WorkerParts {
  readonly session: SessionContext
  readonly ownRecord: OwnRecord
  readonly search: Search
}

/** A task of a worker, and its schedule. */
interface Duty {
  readonly run: Effect.Effect<void, { readonly message: string }>
  readonly schedule: Schedule.Schedule<unknown>
}

interface Worker {
  readonly name: Actor
  readonly duties: ReadonlyArray<Duty>
  /** Whether the topic fails if this worker cannot start. */
  readonly isRequired: boolean
}

const enabledWorkers = ({ ownRecord, search, session }: WorkerParts): ReadonlyArray<Worker> => {
  const { publisher, bubbleMerge, messageOverlapMerge } = session.config
  const { earlyMergeMs } = session.tuning
  const workers: Array<Worker> = []
  if (publisher.enabled) {
    const schedule = workerSchedule(publisher.initialDelay, publisher.baseInterval, publisher.maxJitter)
    workers.push({
      name: "publisher",
      duties: [{ run: runPublisher(session, ownRecord), schedule }],
      isRequired: publisher.failTopicCreationOnPublishingStartupFailure,
    })
  }
  if (bubbleMerge.enabled) {
    const early: Duty = {
      run: mergeEarly(session, () => search.hasFoundSwarm),
      schedule: onceAfter(Duration.millis(earlyMergeMs)),
    }
    const schedule = workerSchedule(bubbleMerge.initialInterval, bubbleMerge.baseInterval, bubbleMerge.maxJitter)
    workers.push({
      name: "bubbleMerge",
      duties: [...(earlyMergeMs > 0 ? [early] : []), { run: mergeBubbles(session), schedule }],
      isRequired: bubbleMerge.failTopicCreationOnMergeStartupFailure,
    })
  }
  if (messageOverlapMerge.enabled) {
    const { baseInterval, initialInterval, maxJitter } = messageOverlapMerge
    workers.push({
      name: "messageOverlapMerge",
      duties: [{ run: mergePartitions(session), schedule: workerSchedule(initialInterval, baseInterval, maxJitter) }],
      isRequired: messageOverlapMerge.failTopicCreationOnMergeStartupFailure,
    })
  }
  return workers
}

/**
 * Starts the enabled workers in the session's scope. A worker can start if the keys of the current minute can be derived, which a secret
 * rotation of the user's may refuse. Then the topic fails if the worker's `failTopicCreationOn…` option is on; otherwise it runs without
 * the worker.
 */
export const startWorkers = Effect.fnUntraced(function* (parts: WorkerParts) {
  const { activity, checkKeys, scope } = parts.session
  const workers = enabledWorkers(parts)
  if (workers.length === 0) return
  const canStart = Exit.isSuccess(yield* Effect.exit(checkKeys))
  for (const { duties, isRequired, name } of workers) {
    if (!canStart) {
      const message = `the ${name} cannot start: the secret rotation gives no key for this minute`
      if (isRequired) return yield* workerStartFailed(message)
      yield* activity.reportFailure(name, { message })
      continue
    }
    for (const { run, schedule } of duties) {
      yield* run.pipe(activity.ignoreFailure(name), Effect.schedule(schedule), Effect.forkIn(scope))
    }
  }
})

/** A shorter base interval counts as this (distributed-topic-tracker 0.3.5, in each of its workers). */
const MIN_INTERVAL = Duration.seconds(1)

/**
 * The schedule of a worker: it runs first after the initial delay, then after the base interval and a random share of the jitter, counted
 * from the end of the last run.
 */
export const workerSchedule = (
  initialDelay: Duration.Duration,
  baseInterval: Duration.Duration,
  maxJitter: Duration.Duration,
): Schedule.Schedule<number> => {
  const base = Duration.max(baseInterval, MIN_INTERVAL)
  return Schedule.fromStepWithMetadata(
    Effect.succeed(({ attempt }: { readonly attempt: number }) =>
      attempt === 1
        ? Effect.succeed([attempt, initialDelay])
        : Effect.map(Random.next, (share) => [
            attempt,
            wholeMillis(Duration.sum(base, Duration.times(maxJitter, share))),
          ]),
    ),
  )
}

/** A single run after the interval, up to twice as long at random. */
export const onceAfter = (interval: Duration.Duration): Schedule.Schedule<number> =>
  Schedule.recurs(1).pipe(Schedule.addDelay(() => upToTwice(interval)))
