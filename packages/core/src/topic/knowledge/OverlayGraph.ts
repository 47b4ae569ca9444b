/**
 * The known part of the overlay: which node is a neighbour of which. Records name the neighbours of their publishers, and this node
 * knows its own neighbours, past and present. A chain of links shows that a node is in our swarm even if no node near us names it. The
 * records of one lookup alone often do not show this in a swarm of dozens.
 */
import { BoundedMap, type Timers } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"
import type { GossipRecord } from "../../records/TopicRecordContent.ts"

/** The time for which a link or a common message counts as proof. A partitioned swarm would otherwise look whole for too long. */
export const LINK_VALID_MS = 120_000
/** The number of publishers and of former neighbours that are kept. */
const MAX_ENTRIES = 256

type Peer = EndpointId.EndpointId

export class OverlayGraph {
  readonly #timers: Timers
  /** The links of records, by publisher. `at` is in ms of the timers. */
  readonly #links = new BoundedMap<Peer, { readonly at: number; readonly peers: ReadonlyArray<Peer> }>(MAX_ENTRIES)
  /** The time at which each former neighbour went, in ms of the timers. */
  readonly #formerNeighbors = new BoundedMap<Peer, number>(MAX_ENTRIES)

  constructor(timers: Timers) {
    this.#timers = timers
  }

  /** Adds the links between the publisher of a record of this minute and its neighbours. */
  addRecord({ content, endpointId }: GossipRecord): void {
    const peers = content.activePeers
    if (peers.length > 0) this.#links.set(endpointId, { at: this.#timers.now(), peers })
  }

  /** Adds a peer that is no longer our neighbour. */
  addFormerNeighbor(peer: Peer): void {
    this.#formerNeighbors.set(peer, this.#timers.now())
  }

  /** Forgets every link: it may no longer be true. */
  clear(): void {
    this.#links.clear()
    this.#formerNeighbors.clear()
  }

  /** The links that count now: the neighbours of each publisher, as its last record named them. */
  get links(): ReadonlyMap<Peer, ReadonlyArray<Peer>> {
    const since = this.#timers.now() - LINK_VALID_MS
    const links = new Map<Peer, ReadonlyArray<Peer>>()
    for (const [publisher, { at, peers }] of this.#links) if (at >= since) links.set(publisher, peers)
    return links
  }

  /** Every node that links lead to from the given nodes and our former neighbours. The links of the given records count too. */
  reachableFrom(nodes: Iterable<Peer>, records: ReadonlyArray<GossipRecord>): ReadonlySet<Peer> {
    const since = this.#timers.now() - LINK_VALID_MS
    const reached = new Set(nodes)
    for (const [peer, at] of this.#formerNeighbors) if (at >= since) reached.add(peer)
    let groups = records.map(({ content, endpointId }) => [endpointId, ...content.activePeers])
    for (const [publisher, peers] of this.links) groups.push([publisher, ...peers])
    for (let before = -1; before !== reached.size; ) {
      before = reached.size
      groups = groups.filter((group) => {
        if (!group.some((peer) => reached.has(peer))) return true
        for (const peer of group) reached.add(peer)
        return false
      })
    }
    return reached
  }
}
