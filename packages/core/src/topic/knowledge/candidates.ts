/**
 * Chooses the peers to ask from records. Pure functions over records and this node's knowledge: they decide, other modules dial.
 * Source of the rules: distributed-topic-tracker 0.3.5 `src/gossip/topic/bootstrap.rs` and `src/gossip/merge`.
 */
import type { EndpointId } from "@topic-tracker/crypto"
import type { GossipRecord } from "../../records/TopicRecordContent.ts"

type Peers = ReadonlySet<EndpointId.EndpointId>

/** The peers of a record: its publisher, then the publisher's neighbours, without this node. */
export const peersOf = (record: GossipRecord, self: EndpointId.EndpointId): Array<EndpointId.EndpointId> =>
  [...new Set([record.endpointId, ...record.content.activePeers])].filter((peer) => peer !== self)

/** A record that names so many members is of a swarm whose members know one another. */
const SWARM_NAMES = 3

/**
 * Whether none of the records is of a swarm whose members know one another. A record names its own node in the place of each stranger,
 * so it may have neighbours and name few.
 */
export const nameFewMembers = (records: ReadonlyArray<GossipRecord>): boolean =>
  records.every((record) => peersOf(record, record.endpointId).length < SWARM_NAMES)

/** For the bubble merge: all peers of the records that are not our neighbours; none if we have `minNeighbors` or more. */
export const bubbleCandidates = (
  records: ReadonlyArray<GossipRecord>,
  self: EndpointId.EndpointId,
  neighbors: Peers,
  minNeighbors: number,
): Array<EndpointId.EndpointId> => (neighbors.size < minNeighbors ? strangers(records, self, neighbors) : [])

/**
 * The peers of records that no chain of links connects with us: none of their peers is in `reachable`. Where all nodes have enough
 * neighbours, this is the only sign of another part of the topic. In a large swarm, of which the records show a small part, the sign is
 * weak. A record without neighbours is no sign: its node was searching for a neighbour, and still searches if it has none.
 */
export const unreachableCandidates = (
  records: ReadonlyArray<GossipRecord>,
  self: EndpointId.EndpointId,
  neighbors: Peers,
  reachable: Peers,
): Array<EndpointId.EndpointId> => {
  const unreachable = records.filter(
    ({ content, endpointId }) =>
      content.activePeers.length > 0 && ![endpointId, ...content.activePeers].some((peer) => reachable.has(peer)),
  )
  return strangers(unreachable, self, neighbors)
}

/** The knowledge of this node about the messages in records. */
export interface MessageKnowledge {
  /** Whether this node had the message with this hash. */
  readonly isKnown: (hash: Uint8Array) => boolean
  /** False if the record may be older than our message history: then unknown messages prove nothing. */
  readonly isConclusive: (record: GossipRecord) => boolean
}

/**
 * For the message-overlap merge: the peers of records whose message hashes are all unknown to us. If they had messages, we had messages,
 * and none is common, the swarm is partitioned.
 */
export const partitionCandidates = (
  records: ReadonlyArray<GossipRecord>,
  self: EndpointId.EndpointId,
  neighbors: Peers,
  { isConclusive, isKnown }: MessageKnowledge,
): Array<EndpointId.EndpointId> => {
  const foreign = records.filter((record) => {
    const hashes = record.content.lastMessageHashes
    return hashes.length > 0 && isConclusive(record) && !hashes.some(isKnown)
  })
  return strangers(foreign, self, neighbors)
}

const strangers = (records: ReadonlyArray<GossipRecord>, self: EndpointId.EndpointId, neighbors: Peers) =>
  [...new Set(records.flatMap((record) => peersOf(record, self)))].filter((peer) => !neighbors.has(peer))
