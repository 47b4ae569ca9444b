/**
 * Reads the records of the running minutes for the workers, and remembers from each record who is whose neighbour and where its node
 * can be reached.
 */
import { Signal } from "@topic-tracker/common"
import type { GetOptions } from "@topic-tracker/dht"
import { isEmptyAddress } from "@topic-tracker/gossip"
import { Effect, Option } from "effect"
import type { GossipRecord } from "../../records/TopicRecordContent.ts"
import type { SessionContext } from "../SessionContext.ts"
import { DEAD_END_AFTER_MS } from "./AskedPeers.ts"

/** The minute and the one before it: a running node of the topic has a record in one of them. */
export const recentMinutes = (latest: bigint): ReadonlyArray<bigint> => (latest > 0n ? [latest - 1n, latest] : [latest])

/** The records of one minute among the given ones. */
export const recordsOfMinute = (
  records: ReadonlyArray<GossipRecord>,
  unixMinute: bigint,
): ReadonlyArray<GossipRecord> => records.filter((record) => record.unixMinute === unixMinute)

/** Runs `f` with each record of the minute. A lookup of the current minute's slot shows how busy the slot is. */
export const forEachRecord = Effect.fnUntraced(function* (
  { records, slotLoad }: SessionContext,
  unixMinute: bigint,
  f: (record: GossipRecord) => Effect.Effect<unknown>,
  options: GetOptions = {},
) {
  const current = Option.getOrUndefined(yield* Effect.option(records.unixMinute))
  if (unixMinute !== current) return yield* records.forEachRecord(unixMinute, f, options)
  yield* slotLoad.watch(({ onOver }) => records.forEachRecord(unixMinute, f, { ...options, onOver }))
})

/**
 * One record of every node in this minute's slot and, with `span` 2, in the slot of the minute before. `isEnough`: whether these records of a
 * slot are enough, if the few nodes nearest to it show them: then the others are not asked, and the look costs a fifth.
 */
export const recentRecords = Effect.fnUntraced(function* (
  session: SessionContext,
  span: 1 | 2 = 2,
  isEnough?: (records: ReadonlyArray<GossipRecord>) => boolean,
) {
  const { records, activity, rateLimiter } = session
  yield* rateLimiter.awaitPermit("routine")
  activity.counters.lookups++
  const minutes = recentMinutes(yield* records.unixMinute).slice(-span)
  const read = (minute: bigint) => readMinute(session, minute, isEnough)
  return (yield* Effect.forEach(minutes, read, { concurrency: 2 })).flat()
})

const readMinute = Effect.fnUntraced(function* (
  session: SessionContext,
  unixMinute: bigint,
  isEnough: ((records: ReadonlyArray<GossipRecord>) => boolean) | undefined,
) {
  const { timers, tuning } = session
  const found: Array<GossipRecord> = []
  const onRecord = (record: GossipRecord) => {
    found.push(record)
    return rememberRecord(session, record)
  }
  // A lookup pauses after the nearest nodes if they are asked for: a read of the whole slot does without.
  if (isEnough === undefined) {
    yield* forEachRecord(session, unixMinute, onRecord)
    return found
  }
  const enough = new Signal(timers, false)
  const onNearest = { nodes: tuning.pollBreadth, run: () => (isEnough(found) ? enough.open() : undefined) }
  yield* Effect.raceFirst(forEachRecord(session, unixMinute, onRecord, { onNearest }), enough.await)
  return found
})

/**
 * Remembers the neighbours that the record names, and its node's addresses: a later dial of the node needs no DHT lookup. Its publisher
 * is a member, so gossip must not give that node's place to a stranger. The named neighbours count only in a record with addresses, which
 * is of a node of ours: a node of the crate names strangers too.
 */
export const rememberRecord = Effect.fnUntraced(function* (
  { gossip, learnAddress, records, swarm }: SessionContext,
  record: GossipRecord,
) {
  const named = record.content.address === undefined ? [] : record.content.activePeers
  const members = [record.endpointId, ...named].filter((peer) => peer !== records.endpointId)
  swarm.addMembers(members)
  yield* gossip.vouchFor(members)
  const current = yield* Effect.option(records.unixMinute)
  if (record.unixMinute === Option.getOrUndefined(current)) swarm.graph.addRecord(record)
  const { address } = record.content
  if (address !== undefined && !isEmptyAddress(address)) yield* learnAddress(record.endpointId, address)
})

/** Whether one of the records leads to several nodes. Nodes of the crate do not see records of the second slot. */
export const leadsToSwarm = ({ records, swarm }: SessionContext, found: ReadonlyArray<GossipRecord>): boolean =>
  found.some(
    (record) =>
      record.slot === undefined &&
      record.content.activePeers.length > 0 &&
      !swarm.asked.isDeadEnd(record, records.endpointId, DEAD_END_AFTER_MS),
  )
