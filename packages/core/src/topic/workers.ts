/**
 * What a joined topic does in the background: three workers, whose duties are each a function over the session, run in the
 * rhythm of a Schedule. A run that fails is told and counted, and the worker goes on.
 *
 * Source: distributed-topic-tracker `src/gossip/topic/publisher.rs`, `src/gossip/merge/bubble.rs` and
 * `src/gossip/merge/message_overlap.rs`.
 */
import type { EndpointId } from "@topic-tracker/crypto"
import { Clock, Duration, Effect, Exit, type Schedule } from "effect"
import { acrossSplit, apartFromUs, outsideBubble } from "./candidates.ts"
import { askPeers, type GossipRecord, publishRecord, readSlot, recentRecords, type Session } from "./Session.ts"
import { minuteTurns, onceAfter, workerSchedule } from "./schedules.ts"
import type { Actor } from "./TopicActivity.ts"
import { TopicError } from "./TopicError.ts"

/** Whether this node's place in the swarm gives no reason to look at the DHT. */
const isWell = ({ state, config }: Session): boolean => state.neighbors.size >= config.bubbleMerge.minNeighbors

/** Whether to take a turn: always while something may be wrong, now and then while all is well. */
const takesTurn = Effect.fnUntraced(function* (session: Session) {
  if (!isWell(session)) session.thinning.reset()
  const takes = yield* session.thinning.takesTurn
  if (!takes) session.account.counters.turnsSkipped++
  return takes
})

/**
 * Publishes our neighbours and last messages, unless the slot already shows enough records of others. While all is well, one
 * record of a node that has neighbours is enough, for it leads to several; and what the look shows of a split, or of nodes that
 * are apart from us, is acted on.
 */
export const publish = Effect.fnUntraced(function* (session: Session) {
  if (!(yield* takesTurn(session))) return
  yield* session.pace.turn("routine")
  const { config, records, account, thinning } = session
  if (config.publisher.maxThinning === 1 || !isWell(session)) return yield* publishRecord(session, "publisher")
  const unixMinute = yield* records.unixMinute
  account.counters.looks++
  const shown = yield* readSlot(session, unixMinute)
  if (config.messageOverlapMerge.enabled) yield* joinAcrossSplit(session, shown)
  const asked = config.bubbleMerge.enabled ? yield* joinApart(session, shown, 1) : []
  if (shown.some(({ content }) => content.activePeers.length > 0)) {
    thinning.provided(yield* Clock.currentTimeMillis)
    account.counters.recordsSkipped++
    yield* account.tell({ _tag: "RecordSkipped", by: "publisher", unixMinute, shown: shown.length })
  } else {
    thinning.reset()
    yield* publishRecord(session, "publisher", shown)
  }
  yield* mindUnanswered(session, asked)
})

/** With few neighbours, joins peers that records name and that we are not connected to. */
export const mergeBubbles = Effect.fnUntraced(function* (session: Session) {
  const { minNeighbors, maxJoinPeers } = session.config.bubbleMerge
  const { neighbors } = session.state
  if (isWell(session)) return
  const records = yield* recentRecords(session)
  const peers = outsideBubble(records, session.records.endpointId, neighbors, minNeighbors)
  yield* askPeers(session, "bubbleMerge", peers, maxJoinPeers)
})

/**
 * Soon after joining: those who began in the same moment may have found each other in several bubbles. Who came to a swarm that
 * was there leaves this to it.
 */
const mergeEarly = Effect.fnUntraced(function* (session: Session) {
  if (session.cameToSwarm) return
  const span = minuteTurns(yield* Clock.currentTimeMillis) ? 2 : 1
  yield* joinApart(session, yield* recentRecords(session, span), session.config.bubbleMerge.maxJoinPeers)
})

/**
 * Joins peers of records that seem to have nothing to do with us: nodes that all have enough neighbours, only none outside
 * their bubble, would otherwise be apart from the rest until somebody speaks.
 */
const joinApart = Effect.fnUntraced(function* (session: Session, records: ReadonlyArray<GossipRecord>, max: number) {
  const peers = apartFromUs(records, session.records.endpointId, session.state.neighbors)
  return yield* askPeers(session, "bubbleMerge", peers, max)
})

/** How often it is looked whether somebody has let us in. */
const ANSWERED_EVERY = Duration.millis(100)

/**
 * Who is asked to let us in does so at once, if it is there. If not, the network between may be cut: then what others provide
 * is no good to us, and we look again soon.
 */
const mindUnanswered = Effect.fnUntraced(function* (session: Session, asked: ReadonlyArray<EndpointId.EndpointId>) {
  const { config, state, thinning, timers } = session
  const until = timers.now() + Duration.toMillis(config.timeouts.joinPeer)
  // It may be a neighbour for a moment only: a full view takes one in and lets another go.
  while (asked.length > 0 && !asked.some((peer) => state.neighbors.has(peer))) {
    if (timers.now() >= until) return thinning.reset()
    yield* Effect.sleep(ANSWERED_EVERY)
  }
})

/** Joins peers whose records show that they hear other messages than we do. */
export const mergeSplits = Effect.fnUntraced(function* (session: Session) {
  // Who has heard nothing cannot tell.
  if (session.state.messagesReceived === 0 || !(yield* takesTurn(session))) return
  yield* joinAcrossSplit(session, yield* recentRecords(session))
})

const joinAcrossSplit = Effect.fnUntraced(function* (session: Session, records: ReadonlyArray<GossipRecord>) {
  const { state, config, thinning } = session
  const peers = acrossSplit(records, session.records.endpointId, state.neighbors, state.lastMessageHashes())
  if (peers.length === 0) return
  thinning.reset()
  yield* askPeers(session, "messageOverlapMerge", peers, config.messageOverlapMerge.maxJoinPeers)
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
  const early = Duration.isPositive(bubbleMerge.earlyInterval)
    ? [{ run: mergeEarly(session), schedule: onceAfter(bubbleMerge.earlyInterval) }]
    : []
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
