/**
 * The peers whose connections closed because they are no members any more. Gossip sees such a peer as lost, and would dial it again; here it
 * becomes one that has left. Protocols beside gossip hear of each exclusion, so that their streams end, too.
 */
import { BoundedMap } from "@topic-tracker/common/BoundedMap"
import type { EndpointId } from "@topic-tracker/crypto"
import { Stream } from "effect"
import type { GossipEvent } from "../model.ts"
import type { Exclusion } from "./Exclusion.ts"

const MAX_PEERS = 256

export class ExcludedPeers {
  readonly #peers = new BoundedMap<EndpointId.EndpointId, true>(MAX_PEERS)
  readonly #listeners = new Set<(exclusion: Exclusion) => void>()

  /** The peer's connections close now. */
  add(peer: EndpointId.EndpointId): void {
    this.#peers.set(peer, true)
    this.notify({ _tag: "Peer", peer })
  }

  /** Calls the listener with each exclusion from now on, until the returned function is called. */
  listen(listener: (exclusion: Exclusion) => void): () => void {
    // A function of its own, so that the same listener may be given twice.
    const own = (exclusion: Exclusion): void => listener(exclusion)
    this.#listeners.add(own)
    return () => {
      this.#listeners.delete(own)
    }
  }

  notify(exclusion: Exclusion): void {
    for (const listener of [...this.#listeners]) listener(exclusion)
  }

  /** The peer has proven membership again. */
  delete(peer: EndpointId.EndpointId): void {
    this.#peers.delete(peer)
  }

  readonly mark = (events: Stream.Stream<GossipEvent>): Stream.Stream<GossipEvent> =>
    Stream.map(events, (event) =>
      event._tag === "NeighborDown" && event.reason === "lost" && this.#peers.has(event.peer)
        ? { ...event, reason: "left" }
        : event,
    )
}
