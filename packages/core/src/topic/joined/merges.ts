/**
 * The merges: how parts of a swarm that do not reach each other become one. Each compares records with this node's knowledge and asks
 * peers that seem to be in another part to become neighbours.
 *
 * Source: distributed-topic-tracker 0.3.5 `src/gossip/merge/bubble.rs` and `src/gossip/merge/message_overlap.rs`.
 */
import type { EndpointId } from "@topic-tracker/crypto"
import { Clock, Duration, Effect } from "effect"
import type { GossipRecord } from "../../records/TopicRecordContent.ts"
import { bubbleCandidates, partitionCandidates, peersOf, unreachableCandidates } from "../knowledge/candidates.ts"
import { LINK_VALID_MS } from "../knowledge/OverlayGraph.ts"
import { recentRecords } from "../knowledge/recentRecords.ts"
import { leastSwarmSize } from "../knowledge/swarmSize.ts"
import { hasMinuteJustBegun, startOfMinute } from "../minutes.ts"
import { withBackgroundSpan } from "../observability.ts"
import type { SessionContext } from "../SessionContext.ts"
import { askPeers } from "./askPeers.ts"
import { hasEnoughNeighbors, shouldRunRound, swarmIsEnough } from "./shouldRunRound.ts"

/** With few neighbours, asks peers of records that are not neighbours. */
export const mergeBubbles = (session: SessionContext) =>
  Effect.gen(function* () {
    const { minNeighbors, maxJoinPeers } = session.config.bubbleMerge
    const { neighbors } = session.swarm
    yield* session.slotLoad.awaitTurn
    if (hasEnoughNeighbors(session)) return
    const records = yield* recentRecords(session)
    const peers = bubbleCandidates(records, session.records.endpointId, neighbors, minNeighbors)
    yield* askPeers(session, "bubbleMerge", peers, maxJoinPeers)
  }).pipe(mergeSpan(session, "bubble"))

/**
 * A merge soon after joining: nodes that started at the same moment may have found each other in several parts. A node that came to a
 * running swarm leaves this to the swarm.
 */
export const mergeEarly = (session: SessionContext, hasFoundSwarm: () => boolean) =>
  Effect.gen(function* () {
    if (hasFoundSwarm()) return
    yield* session.slotLoad.awaitTurn
    const span = hasMinuteJustBegun(yield* Clock.currentTimeMillis) ? 2 : 1
    yield* joinUnreachable(session, yield* recentRecords(session, span))
  }).pipe(mergeSpan(session, "early"))

/**
 * Asks peers of records that no link connects with us. Without this, nodes that all have enough neighbours in their own part would stay
 * separate from the rest until a node sends a message.
 */
export const joinUnreachable = Effect.fnUntraced(function* (
  session: SessionContext,
  records: ReadonlyArray<GossipRecord>,
) {
  const { maxJoinPeers } = session.config.bubbleMerge
  const { graph, messages, neighbors } = session.swarm
  const since = session.timers.now() - LINK_VALID_MS
  const ofOurSwarm = records.filter(({ content }) =>
    content.lastMessageHashes.some((hash) => (messages.timeOf(hash) ?? Number.NEGATIVE_INFINITY) >= since),
  )
  const self = session.records.endpointId
  const starts = [self, ...neighbors, ...ofOurSwarm.map(({ endpointId }) => endpointId)]
  const peers = unreachableCandidates(records, self, neighbors, graph.reachableFrom(starts, records))
  return yield* askPeers(session, "bubbleMerge", peers, maxJoinPeers)
})

/** The time between two checks whether one of the asked peers is a neighbour. */
const ANSWER_CHECK_EVERY = Duration.millis(100)

/**
 * Waits until one of the asked peers is a neighbour. A peer that runs answers at once. If none answers, the network between may be cut:
 * then the records of other nodes do not help us, and more of this node's rounds run.
 */
export const awaitAnyJoin = Effect.fnUntraced(function* (
  session: SessionContext,
  asked: ReadonlyArray<EndpointId.EndpointId>,
) {
  const { config, swarm, timers, trickle } = session
  const until = timers.now() + Duration.toMillis(config.timeouts.joinPeer)
  // It may be a neighbour for a moment only: a full view takes one peer in and drops another.
  while (asked.length > 0 && !asked.some((peer) => swarm.neighbors.has(peer))) {
    if (timers.now() >= until) return trickle.doubt(yield* leastSwarmSize(session))
    yield* Effect.sleep(ANSWER_CHECK_EVERY)
  }
})

/** Asks peers of records whose messages are all unknown to us. */
export const mergePartitions = (session: SessionContext) =>
  Effect.gen(function* () {
    // A node without messages cannot compare.
    if (session.swarm.messages.completeSince === undefined || !(yield* shouldRunRound(session))) return
    yield* joinAcrossPartition(session, yield* recentRecords(session, 2, swarmIsEnough(session)))
  }).pipe(mergeSpan(session, "message_overlap"))

/** After this time a message has spread, and the clocks of most nodes differ by less. */
const SPREADING_MS = 10_000

/**
 * A publisher that was followed, and whose record still shows no common message, is not followed again for this time, in ms: a member could
 * walk through all active views with made-up hashes.
 */
const FOLLOW_AGAIN_AFTER_MS = 600_000

/** As {@link mergePartitions}, with records that were just read. */
export const joinAcrossPartition = Effect.fnUntraced(function* (
  session: SessionContext,
  records: ReadonlyArray<GossipRecord>,
) {
  const { config, swarm, timers, trickle } = session
  const { messages, neighbors } = swarm
  const since = messages.completeSince
  if (since === undefined) return
  const clockAtZero = (yield* Clock.currentTimeMillis) - timers.now()
  const now = timers.now()
  const followable = records.filter(({ endpointId }) => {
    const last = swarm.followed.get(endpointId)
    const isTooSoon = last !== undefined && now - last.at < FOLLOW_AGAIN_AFTER_MS
    return !isTooSoon || !swarm.asked.hasAnsweredSince(last.peers, last.at)
  })
  const self = session.records.endpointId
  const peers = partitionCandidates(followable, self, neighbors, {
    isKnown: (hash) => messages.timeOf(hash) !== undefined,
    isConclusive: ({ unixMinute }) => startOfMinute(unixMinute) - clockAtZero >= since + SPREADING_MS,
  })
  if (peers.length === 0) return
  trickle.reset()
  const asked = yield* askPeers(session, "messageOverlapMerge", peers, config.messageOverlapMerge.maxJoinPeers)
  for (const record of followable) {
    const ofRecord = peersOf(record, self).filter((peer) => asked.includes(peer))
    if (ofRecord.length > 0) swarm.followed.set(record.endpointId, { at: now, peers: ofRecord })
  }
})

const mergeSpan = ({ records }: SessionContext, kind: "bubble" | "early" | "message_overlap") =>
  withBackgroundSpan("Topic.merge", records.topic, { "topic_tracker.merge.kind": kind })
