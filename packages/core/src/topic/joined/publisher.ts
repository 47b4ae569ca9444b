/**
 * The publisher: the worker that publishes our neighbours and last messages while the topic is joined. A record of a node with neighbours
 * leads to several peers, so one such record in the slot is enough while the swarm is whole.
 *
 * Source: distributed-topic-tracker 0.3.5 `src/gossip/topic/publisher.rs`.
 */
import { Clock, Effect } from "effect"
import type { GossipRecord } from "../../records/TopicRecordContent.ts"
import { DEAD_END_AFTER_MS } from "../knowledge/AskedPeers.ts"
import { nameFewMembers } from "../knowledge/candidates.ts"
import { leadsToSwarm, recentRecords, recordsOfMinute } from "../knowledge/recentRecords.ts"
import { leastSwarmSize, swarmSize } from "../knowledge/swarmSize.ts"
import { hasMinuteRecords } from "../minutes.ts"
import type { OwnRecord } from "../OwnRecord.ts"
import type { SessionContext } from "../SessionContext.ts"
import { askPeers } from "./askPeers.ts"
import { awaitAnyJoin, joinAcrossPartition, joinUnreachable } from "./merges.ts"
import { hasEnoughNeighbors, shouldRunRound, swarmIsEnough } from "./shouldRunRound.ts"

/**
 * One round: publishes our record unless the slot holds enough records of other nodes. It also does the work of the merges with the
 * records that it reads: in a swarm of a few nodes, which only have each other, no other lookup comes as soon.
 */
export const runPublisher = Effect.fnUntraced(function* (session: SessionContext, ownRecord: OwnRecord) {
  if (!(yield* shouldRunRound(session))) return
  const { activity, config, rateLimiter, records, trickle, tuning } = session
  if (tuning.maxSuppression === 1) {
    yield* rateLimiter.awaitPermit("routine")
    return yield* ownRecord.publish("publisher")
  }
  const span = hasEnoughNeighbors(session) || hasMinuteRecords(yield* Clock.currentTimeMillis) ? 1 : 2
  const unixMinute = yield* records.unixMinute
  const recent = yield* recentRecords(session, span, swarmIsEnough(session))
  const found = recordsOfMinute(recent, unixMinute)
  if (config.messageOverlapMerge.enabled) yield* joinAcrossPartition(session, recent)
  const asked = config.bubbleMerge.enabled ? yield* joinUnreachable(session, recent) : []
  const known = (yield* records.unixMinute) === unixMinute ? found : undefined
  // Without our record no member can know us, and strangers that come one after the other are no swarm.
  const isAmongStrangers = !session.swarm.calm.isOpen && session.swarm.isRestless && nameFewMembers(found)
  if (hasEnoughNeighbors(session) && leadsToSwarm(session, found) && !isAmongStrangers) {
    trickle.othersPublished(yield* swarmSize(session))
    activity.counters.recordsSkipped++
    yield* activity.report({ _tag: "RecordSkipped", by: "publisher", unixMinute, found: found.length })
    yield* awaitAnyJoin(session, asked)
    // The peers of those records have not answered: they may be made up.
    if (!leadsToSwarm(session, found)) yield* ownRecord.publish("publisher", known)
    return
  }
  // Few nodes have answered: that no record was found says nothing, and nobody would see ours.
  if (found.length === 0 && session.slotLoad.isBusy) return
  if (!hasEnoughNeighbors(session)) trickle.reset()
  else if (found.length > 0) trickle.doubt(yield* leastSwarmSize(session))
  else trickle.nonePublished(yield* leastSwarmSize(session), ownRecord.isPublished(unixMinute))
  yield* ownRecord.publish("publisher", known)
  yield* awaitAnyJoin(session, [...asked, ...(yield* askSuspects(session, found))])
})

/**
 * Asks two publishers of a slot that is full of records without neighbours: either they are newcomers that need a link, or a member has
 * made them up to keep others from publishing. In the second case the next round publishes.
 */
const askSuspects = Effect.fnUntraced(function* (session: SessionContext, found: ReadonlyArray<GossipRecord>) {
  const { config, records, swarm } = session
  const suspects = found.filter(
    (record) =>
      record.content.activePeers.length === 0 && !swarm.asked.isDeadEnd(record, records.endpointId, DEAD_END_AFTER_MS),
  )
  if (suspects.length < Math.max(1, config.bootstrap.maxBootstrapRecords)) return []
  const peers = suspects.map(({ endpointId }) => endpointId).filter((peer) => !swarm.neighbors.has(peer))
  return yield* askPeers(session, "publisher", peers, config.bubbleMerge.maxJoinPeers)
})
