/** What the members of a topic hear, and how they listen. */
import type { EndpointId } from "@topic-tracker/crypto"
import type { NeighborDownReason } from "./protocol/index.ts"

/** How far a message goes: the whole swarm, or the direct neighbours only. */
export type BroadcastScope = "swarm" | "neighbors"

/** What a topic tells its subscribers. */
export type GossipEvent =
  | { readonly _tag: "NeighborUp"; readonly peer: EndpointId.EndpointId }
  | { readonly _tag: "NeighborDown"; readonly peer: EndpointId.EndpointId; readonly reason: NeighborDownReason }
  | {
      readonly _tag: "Received"
      readonly content: Uint8Array
      /** The neighbour that handed it to us; not, in general, its author. */
      readonly deliveredFrom: EndpointId.EndpointId
      readonly scope: BroadcastScope
      /** Hops from the author; 0 for a message from the author itself. */
      readonly round: number
    }
  /** This subscriber was too slow: the oldest events were dropped. */
  | { readonly _tag: "Lagged"; readonly skipped: number }

/** What a subscriber that does not keep up gets: a Lagged event in place of the oldest, or it holds the topic back. */
export interface SubscribeOptions {
  /** Events held for the subscriber. Default 64. */
  readonly capacity?: number
  readonly whenSlow?: "drop-oldest" | "backpressure"
}
