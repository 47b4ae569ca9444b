/**
 * How parts of a swarm that do not reach each other become one: what records say is held against what we know, and peers that
 * seem to be elsewhere are asked to be our neighbours.
 *
 * Source: distributed-topic-tracker `src/gossip/merge/bubble.rs` and `src/gossip/merge/message_overlap.rs`.
 */
import type { EndpointId } from "@topic-tracker/crypto"
import { Clock, Duration, Effect } from "effect"
import { acrossSplit, apartFromUs, outsideBubble } from "../knowledge/candidates.ts"
import { LINK_HOLDS } from "../knowledge/OverlayGraph.ts"
import { askPeers, type GossipRecord, isWell, recentRecords, type Session, takesTurn } from "../Session.ts"
import { minuteTurns, startOf } from "../schedules.ts"

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
export const mergeEarly = Effect.fnUntraced(function* (session: Session) {
  if (session.cameToSwarm) return
  const span = minuteTurns(yield* Clock.currentTimeMillis) ? 2 : 1
  yield* joinApart(session, yield* recentRecords(session, span))
})

/**
 * Asks peers of records that seem to have nothing to do with us: nodes that all have enough neighbours, only none outside
 * their bubble, would otherwise be apart from the rest until somebody speaks.
 */
export const joinApart = Effect.fnUntraced(function* (session: Session, records: ReadonlyArray<GossipRecord>) {
  const { maxJoinPeers } = session.config.bubbleMerge
  const { heard, links, neighbors } = session.state
  const since = session.timers.now() - LINK_HOLDS
  const ofOurs = records.filter(({ content }) =>
    content.lastMessageHashes.some((hash) => (heard.heardAt(hash) ?? Number.NEGATIVE_INFINITY) >= since),
  )
  const self = session.records.endpointId
  const reachable = links.reachableFrom([self, ...neighbors, ...ofOurs.map(({ endpointId }) => endpointId)], records)
  const peers = apartFromUs(records, self, neighbors, reachable)
  return yield* askPeers(session, "bubbleMerge", peers, maxJoinPeers)
})

/** How often it is looked whether somebody has let us in. */
const ANSWERED_EVERY = Duration.millis(100)

/**
 * Who is asked to let us in does so at once, if it is there. If not, the network between may be cut: then what others provide
 * is no good to us, and we look again soon.
 */
export const mindUnanswered = Effect.fnUntraced(function* (
  session: Session,
  asked: ReadonlyArray<EndpointId.EndpointId>,
) {
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
  // Who knows no message cannot tell.
  if (session.state.heard.completeSince === undefined || !(yield* takesTurn(session))) return
  yield* joinAcrossSplit(session, yield* recentRecords(session))
})

/** By then a message has spread, and the clocks of most are less far apart; ms. */
const SPREADING = 10_000

export const joinAcrossSplit = Effect.fnUntraced(function* (session: Session, records: ReadonlyArray<GossipRecord>) {
  const { config, state, thinning, timers } = session
  const { heard, neighbors } = state
  const since = heard.completeSince
  if (since === undefined) return
  const clockAtZero = (yield* Clock.currentTimeMillis) - timers.now()
  const peers = acrossSplit(records, session.records.endpointId, neighbors, {
    isHeard: (hash) => heard.heardAt(hash) !== undefined,
    tells: ({ unixMinute }) => startOf(unixMinute) - clockAtZero >= since + SPREADING,
  })
  if (peers.length === 0) return
  thinning.reset()
  yield* askPeers(session, "messageOverlapMerge", peers, config.messageOverlapMerge.maxJoinPeers)
})
