/**
 * The peers whose connections closed because they are no members any more. Gossip sees such a peer as lost, and would dial it again; here it
 * becomes one that has left.
 */
import { BoundedMap } from "@topic-tracker/common/BoundedMap"
import type { EndpointId } from "@topic-tracker/crypto"
import { Stream } from "effect"
import type { GossipEvent } from "../model.ts"

const MAX_PEERS = 256

export class ExcludedPeers {
  readonly #peers = new BoundedMap<EndpointId.EndpointId, true>(MAX_PEERS)

  add(peer: EndpointId.EndpointId): void {
    this.#peers.set(peer, true)
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
