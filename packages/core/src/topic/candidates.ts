/**
 * Whom to join, from what records say. Pure functions over records and what we know; they decide, others dial.
 * Source of the rules: distributed-topic-tracker `src/gossip/topic/bootstrap.rs` and `src/gossip/merge`.
 */
import { Bytes, type EndpointId } from "@topic-tracker/crypto"
import type { GossipRecord } from "./Session.ts"

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
 * Everybody named by records that lead to us over no chain of names: a record leads to us when it names us, one of our
 * neighbours, or somebody whom a record that leads to us names. In a bubble whose nodes have all the neighbours they want,
 * this is the only sign that there are others; in a large swarm, of which the records show a small part, it is a weak one.
 * A record that names nobody is no sign at all: its node was looking for a neighbour, and does so still if it has none.
 */
export const apartFromUs = (
  records: ReadonlyArray<GossipRecord>,
  self: EndpointId.EndpointId,
  neighbors: Peers,
): Array<EndpointId.EndpointId> => {
  const ours = new Set([self, ...neighbors])
  let apart = records.filter(({ content }) => content.activePeers.length > 0)
  for (let before = -1; before !== ours.size; ) {
    before = ours.size
    apart = apart.filter((record) => {
      const named = [record.endpointId, ...record.content.activePeers]
      if (!named.some((peer) => ours.has(peer))) return true
      for (const peer of named) ours.add(peer)
      return false
    })
  }
  return strangers(apart, self, neighbors)
}

/**
 * Message-overlap merge: the publishers, and their neighbours, of records whose message hashes are all unknown to us. That
 * they have heard messages, we have too, and none is the same is the sign of a split. Nobody while we have heard none.
 */
export const acrossSplit = (
  records: ReadonlyArray<GossipRecord>,
  self: EndpointId.EndpointId,
  neighbors: Peers,
  lastMessageHashes: ReadonlyArray<Uint8Array>,
): Array<EndpointId.EndpointId> => {
  if (lastMessageHashes.length === 0) return []
  const ours = new Set(lastMessageHashes.map(Bytes.toHex))
  const foreign = records.filter(({ content }) => {
    const theirs = content.lastMessageHashes
    return theirs.length > 0 && !theirs.some((hash) => ours.has(Bytes.toHex(hash)))
  })
  return strangers(foreign, self, neighbors)
}

const strangers = (records: ReadonlyArray<GossipRecord>, self: EndpointId.EndpointId, neighbors: Peers) =>
  [...new Set(records.flatMap((record) => peersOf(record, self)))].filter((peer) => !neighbors.has(peer))
