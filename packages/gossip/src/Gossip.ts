/**
 * Topics of the gossip overlay as a service: HyParView for membership, PlumTree for broadcast, wire-compatible with
 * iroh-gossip 0.101 (ALPN `/iroh-gossip/1`). It knows neither DHT nor records: whom to join is told to it.
 */
import type { EndpointId, TopicId } from "@topic-tracker/crypto"
import { Context, type Effect, Schema, type Scope, type Stream } from "effect"
import type { EndpointAddress } from "./AddressLookup.ts"

/** How far a message goes: the whole swarm, or the direct neighbours only. */
export type BroadcastScope = "swarm" | "neighbors"

export type GossipEvent =
  | { readonly _tag: "NeighborUp"; readonly peer: EndpointId.EndpointId }
  | { readonly _tag: "NeighborDown"; readonly peer: EndpointId.EndpointId }
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

export class GossipError extends Schema.TaggedError<GossipError>()("GossipError", {
  reason: Schema.Literals(["MessageTooLarge", "Closed", "Bind", "InvalidArgument"]),
  message: Schema.String,
}) {}

/** What a subscriber that does not keep up gets: a Lagged event in place of the oldest, or it holds the topic back. */
export interface SubscribeOptions {
  /** Events held for the subscriber. Default 64. */
  readonly capacity?: number
  readonly whenSlow?: "lag" | "hold-back"
}

/** One topic as this node takes part in it. Closed with the scope it was opened in: Disconnect goes to the neighbours. */
export interface GossipTopic {
  readonly id: TopicId
  /** Sends content to the swarm or the neighbours. Content that makes too large a frame is an error and nothing is sent. */
  readonly broadcast: (content: Uint8Array, scope?: BroadcastScope) => Effect.Effect<void, GossipError>
  /** Asks these peers to let us in. Returns at once; success shows as NeighborUp. */
  readonly join: (peers: ReadonlyArray<EndpointId.EndpointId>) => Effect.Effect<void, GossipError>
  /** The current active view. */
  readonly neighbors: Effect.Effect<ReadonlySet<EndpointId.EndpointId>>
  /** Subscribes now: every event from this moment on is in the stream, which ends when the topic closes. */
  readonly subscribe: (
    options?: SubscribeOptions,
  ) => Effect.Effect<Stream.Stream<GossipEvent>, GossipError, Scope.Scope>
}

export class Gossip extends Context.Service<
  Gossip,
  {
    readonly endpointId: EndpointId.EndpointId
    /** The most bytes a broadcast's content may have. */
    readonly maxContentBytes: number
    /** Takes part in the topic until the scope closes. Opening a topic that is already open fails with InvalidArgument. */
    readonly open: (topic: TopicId) => Effect.Effect<GossipTopic, GossipError, Scope.Scope>
    /** Our own addresses now. */
    readonly address: Effect.Effect<EndpointAddress>
    /** Our own addresses, now and at every change. */
    readonly addressChanges: Stream.Stream<EndpointAddress>
    /** One element each time the network under us changed (interfaces, routes). */
    readonly networkChanges: Stream.Stream<void>
  }
>()("@topic-tracker/gossip/Gossip") {}
