/**
 * Whom to join, from what records say. Pure functions over records and what we know; they decide, others dial.
 * Source of the rules: distributed-topic-tracker `src/gossip/topic/bootstrap.rs` and `src/gossip/merge`.
 */
import type { EndpointId } from "@topic-tracker/crypto"
import type { GossipRecord } from "../Session.ts"

type Peers = ReadonlySet<EndpointId.EndpointId>

/** Everybody a record names: its publisher, then the neighbours it claims; ourselves left out. */
export const peersOf = (record: GossipRecord, self: EndpointId.EndpointId): Array<EndpointId.EndpointId> =>
  [...new Set([record.endpointId, ...record.content.activePeers])].filter((peer) => peer !== self)

/** Bubble merge: everybody the records name who is not our neighbour; nobody while we have `minNeighbors` or more. */
export const outsideBubble = (
  records: ReadonlyArray<GossipRecord>,
  self: EndpointId.EndpointId,
  neighbors: Peers,
  minNeighbors: number,
): Array<EndpointId.EndpointId> => (neighbors.size < minNeighbors ? strangers(records, self, neighbors) : [])

/**
 * Everybody named by records that lead to us over no chain of names: a record leads to us when it names somebody of whom it is
 * known that links lead from us to them. In a bubble whose nodes have all the neighbours they want, this is the only sign that
 * there are others; in a large swarm, of which the records show a small part, it is a weak one.
 * A record that names nobody is no sign at all: its node was looking for a neighbour, and does so still if it has none.
 */
export const apartFromUs = (
  records: ReadonlyArray<GossipRecord>,
  self: EndpointId.EndpointId,
  neighbors: Peers,
  reachable: Peers,
): Array<EndpointId.EndpointId> => {
  const apart = records.filter(
    ({ content, endpointId }) =>
      content.activePeers.length > 0 && ![endpointId, ...content.activePeers].some((peer) => reachable.has(peer)),
  )
  return strangers(apart, self, neighbors)
}

/**
 * Message-overlap merge: the publishers, and their neighbours, of records whose message hashes are all unknown to us. That
 * they have heard messages, we have too, and none is the same is the sign of a split; `tells`: unless we may have had theirs and
 * know it no more, or were not there yet.
 */
export const acrossSplit = (
  records: ReadonlyArray<GossipRecord>,
  self: EndpointId.EndpointId,
  neighbors: Peers,
  { isHeard, tells }: { isHeard: (hash: Uint8Array) => boolean; tells: (record: GossipRecord) => boolean },
): Array<EndpointId.EndpointId> => {
  const foreign = records.filter((record) => {
    const hashes = record.content.lastMessageHashes
    return hashes.length > 0 && tells(record) && !hashes.some(isHeard)
  })
  return strangers(foreign, self, neighbors)
}

const strangers = (records: ReadonlyArray<GossipRecord>, self: EndpointId.EndpointId, neighbors: Peers) =>
  [...new Set(records.flatMap((record) => peersOf(record, self)))].filter((peer) => !neighbors.has(peer))
