/**
 * What a joined topic does in the background: three workers, whose duties are each a function over the session, run in the
 * rhythm of a Schedule. A run that fails is told and counted, and the worker goes on.
 *
 * Source: distributed-topic-tracker `src/gossip/topic/publisher.rs`; for the merges see merging.ts.
 */
import { Clock, Duration, Effect, Exit, type Schedule } from "effect"
import { isWell, ofMinute, publishRecord, recentRecords, type Session, takesTurn } from "../Session.ts"
import { minuteShows, onceAfter, workerSchedule } from "../schedules.ts"
import type { Actor } from "../TopicActivity.ts"
import { TopicError } from "../TopicError.ts"
import { joinAcrossSplit, joinApart, mergeBubbles, mergeEarly, mergeSplits, mindUnanswered } from "./merges.ts"

/**
 * Publishes our neighbours and last messages, unless the slot already shows enough records of others. While all is well, one
 * record of a node that has neighbours is enough, for it leads to several. What the look shows of a split, or of nodes that
 * are apart from us, is acted on: in a swarm of a few, who have each other only, no other look comes as soon.
 */
export const publish = Effect.fnUntraced(function* (session: Session) {
  if (!(yield* takesTurn(session))) return
  const { config, records, account, thinning, tuning } = session
  if (tuning.maxSuppression === 1) {
    yield* session.pace.turn("routine")
    return yield* publishRecord(session, "publisher")
  }
  const span = isWell(session) || minuteShows(yield* Clock.currentTimeMillis) ? 1 : 2
  const unixMinute = yield* records.unixMinute
  const recent = yield* recentRecords(session, span)
  const shown = ofMinute(recent, unixMinute)
  if (config.messageOverlapMerge.enabled) yield* joinAcrossSplit(session, recent)
  const asked = config.bubbleMerge.enabled ? yield* joinApart(session, recent) : []
  if (isWell(session) && shown.some(({ content }) => content.activePeers.length > 0)) {
    thinning.provided(yield* Clock.currentTimeMillis)
    account.counters.recordsSkipped++
    yield* account.tell({ _tag: "RecordSkipped", by: "publisher", unixMinute, shown: shown.length })
  } else {
    thinning.reset()
    yield* publishRecord(session, "publisher", (yield* records.unixMinute) === unixMinute ? shown : undefined)
  }
  yield* mindUnanswered(session, asked)
})

/** What a worker does, and when. */
interface Duty {
  readonly run: Effect.Effect<void, { readonly message: string }>
  readonly schedule: Schedule.Schedule<unknown>
}

interface Worker {
  readonly name: Actor
  readonly duties: ReadonlyArray<Duty>
  readonly failTopic: boolean
}

const enabledWorkers = (session: Session): ReadonlyArray<Worker> => {
  const { publisher, bubbleMerge, messageOverlapMerge } = session.config
  const workers: Array<Worker> = []
  if (publisher.enabled) {
    const schedule = workerSchedule(publisher.initialDelay, publisher.baseInterval, publisher.maxJitter)
    workers.push({
      name: "publisher",
      duties: [{ run: publish(session), schedule }],
      failTopic: publisher.failTopicCreationOnPublishingStartupFailure,
    })
  }
  const { earlyMergeMs } = session.tuning
  const early =
    earlyMergeMs > 0 ? [{ run: mergeEarly(session), schedule: onceAfter(Duration.millis(earlyMergeMs)) }] : []
  for (const [name, config, run, others] of [
    ["bubbleMerge", bubbleMerge, mergeBubbles(session), early],
    ["messageOverlapMerge", messageOverlapMerge, mergeSplits(session), []],
  ] as const) {
    if (!config.enabled) continue
    const schedule = workerSchedule(config.initialInterval, config.baseInterval, config.maxJitter)
    workers.push({
      name,
      duties: [...others, { run, schedule }],
      failTopic: config.failTopicCreationOnMergeStartupFailure,
    })
  }
  return workers
}

/**
 * Starts the enabled workers in the session's scope, a fiber for each duty. A worker starts when the keys of the current
 * minute can be derived, which a user's own rotation may refuse; then the topic fails if the worker's
 * `failTopicCreationOn…` says so, and does without the worker otherwise.
 */
export const startWorkers = Effect.fnUntraced(function* (session: Session) {
  const workers = enabledWorkers(session)
  if (workers.length === 0) return
  const canStart = Exit.isSuccess(yield* Effect.exit(session.checkKeys))
  for (const worker of workers) {
    if (!canStart) {
      const message = `the ${worker.name} cannot start: the secret rotation gives no key for this minute`
      if (worker.failTopic) return yield* new TopicError({ reason: "StartFailed", message })
      yield* session.account.failed(worker.name, { message })
      continue
    }
    for (const { run, schedule } of worker.duties) {
      yield* run.pipe(session.account.forgive(worker.name), Effect.schedule(schedule), Effect.forkIn(session.scope))
    }
  }
})
