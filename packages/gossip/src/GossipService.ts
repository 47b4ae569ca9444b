/** What the Gossip service and its topics can do: the contract that every layer of {@link Gossip} fulfils. */
import type { EndpointId, TopicId } from "@topic-tracker/crypto"
import type { Effect, Scope, Stream } from "effect"
import type { EndpointAddress } from "./AddressLookup.ts"
import type { GossipStats } from "./engine/Counters.ts"
import type { GossipError } from "./GossipError.ts"
import type { BroadcastScope, GossipEvent, SubscribeOptions } from "./GossipEvent.ts"

/** One topic as this node takes part in it. Closed with the scope it was opened in: Disconnect goes to the neighbours. */
export interface GossipTopic {
  readonly id: TopicId
  /**
   * Sends content to the swarm or the neighbours. Content that makes too large a frame is an error and nothing is sent.
   * Waits while the topic is congested: while more is queued for a neighbour than it takes.
   */
  readonly broadcast: (content: Uint8Array, scope?: BroadcastScope) => Effect.Effect<void, GossipError>
  /** Asks these peers to let us in. Returns at once; success shows as NeighborUp. */
  readonly join: (peers: ReadonlyArray<EndpointId.EndpointId>) => Effect.Effect<void, GossipError>
  /**
   * Asks these peers to be our neighbours, each for one link: what a member does that looks for a way into another part of the
   * swarm. To {@link GossipTopic.join} is for newcomers: it brings neighbours of the peer's too, each in the place of one that a
   * member has. Returns at once; success shows as NeighborUp. Source: NEIGHBOR of high priority, HyParView (DSN 2007), p. 7.
   */
  readonly connect: (peers: ReadonlyArray<EndpointId.EndpointId>) => Effect.Effect<void, GossipError>
  /** The current active view. */
  readonly neighbors: Effect.Effect<ReadonlySet<EndpointId.EndpointId>>
  /**
   * Subscribes now: every event from this moment on is in the stream, which ends when the topic closes. The stream is to be
   * run once. The contents of events are shared between subscribers and must not be altered.
   */
  readonly subscribe: (
    options?: SubscribeOptions,
  ) => Effect.Effect<Stream.Stream<GossipEvent>, GossipError, Scope.Scope>
}

/** What {@link Gossip} offers, whichever layer it comes from. */
export interface GossipService {
  readonly endpointId: EndpointId.EndpointId
  /** The most bytes a broadcast's content may have. */
  readonly maxContentBytes: number
  /**
   * Waits until peers can reach us and be reached; topics can be opened before, and their dials wait for it. Fails with Bind when that
   * cannot be: then all topics have closed, and no other can be opened.
   */
  readonly ready: Effect.Effect<void, GossipError>
  /** Takes part in the topic until the scope closes. Opening a topic that is already open fails with InvalidArgument. */
  readonly open: (topic: TopicId) => Effect.Effect<GossipTopic, GossipError, Scope.Scope>
  /**
   * Takes note of where a peer can be reached, as its own record says. The next dial of it begins there, before anything is
   * looked up; what peers tell each other in gossip is noted without being asked.
   */
  readonly learn: (peer: EndpointId.EndpointId, address: EndpointAddress) => Effect.Effect<void>
  /** Our own addresses now, as far as they are to be published; waits like `ready`, and is nowhere when that fails. */
  readonly address: Effect.Effect<EndpointAddress>
  /** The same, first and at every change. */
  readonly addressChanges: Stream.Stream<EndpointAddress>
  /** One element each time the network under us changed (interfaces, routes). */
  readonly networkChanges: Stream.Stream<void>
  /** What has been counted since the start, and what there is now. */
  readonly stats: Effect.Effect<GossipStats>
}
