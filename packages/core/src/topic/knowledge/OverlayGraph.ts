/**
 * What is known of who is whose neighbour: records name their publishers', and we have and had our own. Over such links it shows
 * that somebody is in the same swarm who is named by nobody near us; of one look alone, in a swarm of dozens, it often does not.
 */

import type { Timers } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"
import { keepLatest } from "../../keepLatest.ts"
import type { GossipRecord } from "../Session.ts"

/** A link, or a message in common, says something for so long, in ms: a swarm that fell apart would else seem whole. */
export const LINK_HOLDS = 120_000
/** The latest so many of each kind are kept. */
const MOST_KEPT = 256

type Peer = EndpointId.EndpointId

export class SwarmLinks {
  readonly #timers: Timers
  /** By the record's publisher; the latest last. */
  readonly #named = new Map<Peer, { readonly at: number; readonly peers: ReadonlyArray<Peer> }>()
  /** Who was our neighbour, and until when. */
  readonly #past = new Map<Peer, number>()

  constructor(timers: Timers) {
    this.#timers = timers
  }

  /** A record of this minute names its publisher's neighbours. */
  named({ content, endpointId }: GossipRecord): void {
    if (content.activePeers.length > 0)
      keepLatest(this.#named, endpointId, { at: this.#timers.now(), peers: content.activePeers }, MOST_KEPT)
  }

  /** The peer is our neighbour no more. */
  parted(peer: Peer): void {
    keepLatest(this.#past, peer, this.#timers.now(), MOST_KEPT)
  }

  /** Forgets all: it may be true no more. */
  clear(): void {
    this.#named.clear()
    this.#past.clear()
  }

  /** Everybody whom links lead to from these and from who was our neighbour, those of the records among them. */
  reachableFrom(some: Iterable<Peer>, records: ReadonlyArray<GossipRecord>): ReadonlySet<Peer> {
    const since = this.#timers.now() - LINK_HOLDS
    const reached = new Set(some)
    for (const [peer, at] of this.#past) if (at >= since) reached.add(peer)
    let groups = records.map(({ content, endpointId }) => [endpointId, ...content.activePeers])
    for (const [publisher, { at, peers }] of this.#named) if (at >= since) groups.push([publisher, ...peers])
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
