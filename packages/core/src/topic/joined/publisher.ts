/**
 * The publisher: the worker that publishes our neighbours and last messages while the topic is joined. A record of a node with neighbours
 * leads to several peers, so one such record in the slot is enough while the swarm is whole.
 *
 * Source: distributed-topic-tracker 0.3.5 `src/gossip/topic/publisher.rs`.
 */
import { Clock, Effect } from "effect"
import { recentRecords, recordsOfMinute } from "../knowledge/recentRecords.ts"
import { hasMinuteRecords } from "../minutes.ts"
import type { OwnRecord } from "../OwnRecord.ts"
import type { SessionContext } from "../SessionContext.ts"
import { awaitAnyJoin, joinAcrossPartition, joinUnreachable } from "./merges.ts"
import { hasEnoughNeighbors, shouldRunRound } from "./shouldRunRound.ts"

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
  const recent = yield* recentRecords(session, span)
  const found = recordsOfMinute(recent, unixMinute)
  if (config.messageOverlapMerge.enabled) yield* joinAcrossPartition(session, recent)
  const asked = config.bubbleMerge.enabled ? yield* joinUnreachable(session, recent) : []
  // Records of the second slot are not seen by nodes of the crate.
  const leadsToSwarm = found.some(({ content, slot }) => slot === undefined && content.activePeers.length > 0)
  if (hasEnoughNeighbors(session) && leadsToSwarm) {
    trickle.othersPublished(yield* Clock.currentTimeMillis)
    activity.counters.recordsSkipped++
    yield* activity.report({ _tag: "RecordSkipped", by: "publisher", unixMinute, found: found.length })
  } else {
    trickle.reset()
    yield* ownRecord.publish("publisher", (yield* records.unixMinute) === unixMinute ? found : undefined)
  }
  yield* awaitAnyJoin(session, asked)
})
