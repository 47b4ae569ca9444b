/**
 * What goes into the protocol's state machine and what comes out of it. The machine does no I/O and knows no clock: whoever
 * drives it (the network layer, the simulator) delivers events and carries out actions, in their order.
 */
import type { EndpointId } from "@topic-tracker/crypto"
import type { Message, PeerKey } from "./Message.ts"
import type { MessageId } from "./MessageId.ts"

/** What names a topic: the 64 hex digits of its id (`TopicId.hex`). */
export type TopicKey = string

/** Something that happened. */
export type Event<P extends PeerKey = EndpointId.EndpointId> =
  /** A message arrived on the topic's stream. */
  | { readonly _tag: "Received"; readonly from: P; readonly topic: TopicKey; readonly message: Message<P> }
  /** Take part in the topic, if we do not yet, and ask these peers (none is fine) to let us in. */
  | { readonly _tag: "Join"; readonly topic: TopicKey; readonly peers: ReadonlyArray<P> }
  /** Ask these peers to be our neighbours, and nobody else through them. */
  | { readonly _tag: "Connect"; readonly topic: TopicKey; readonly peers: ReadonlyArray<P> }
  /** Send content to the swarm or to the direct neighbours only. */
  | {
      readonly _tag: "Broadcast"
      readonly topic: TopicKey
      readonly content: Uint8Array
      readonly scope: "swarm" | "neighbors"
    }
  /** Leave the topic: neighbours are told, the topic's state is dropped. */
  | { readonly _tag: "Quit"; readonly topic: TopicKey }
  /** A timer asked for by a ScheduleTimer action is due. */
  | { readonly _tag: "TimerExpired"; readonly timer: Timer<P> }
  /** The connection to the peer closed or could not be made. */
  | { readonly _tag: "PeerDisconnected"; readonly peer: P }
  /** What we tell others about ourselves has changed. */
  | { readonly _tag: "PeerDataChanged"; readonly data: Uint8Array }

/** Something to do. */
export type Action<P extends PeerKey = EndpointId.EndpointId> =
  /**
   * Send the message to the peer, over a connection that may have to be made first. Sends to one peer keep their order.
   * A payload for several peers is one and the same `message` object in each of their Sends, so it need be encoded once.
   */
  | { readonly _tag: "Send"; readonly to: P; readonly topic: TopicKey; readonly message: Message<P> }
  | { readonly _tag: "Emit"; readonly topic: TopicKey; readonly event: TopicEvent<P> }
  /** Hand the timer back as a TimerExpired event after `delayMs` milliseconds. */
  | { readonly _tag: "ScheduleTimer"; readonly delayMs: number; readonly timer: Timer<P> }
  /** No topic needs the connection to the peer any more: close it once everything queued for it has been sent. */
  | { readonly _tag: "DisconnectPeer"; readonly peer: P }
  /** A peer told something new about another (see codec/peerData.ts). Never empty. */
  | { readonly _tag: "PeerData"; readonly peer: P; readonly data: Uint8Array }

/**
 * Why a peer is no longer a neighbour.
 * - `left`: it sent a Disconnect because it leaves the topic.
 * - `replaced`: its active view or ours was full, and one side gave its place to another peer. It stays in the topic.
 * - `lost`: its connection closed, and no Disconnect had come from it: a crash, a cut network, or a process that ended without one.
 */
export type NeighborDownReason = "left" | "replaced" | "lost"

/** An event for the application of this node. */
export type TopicEvent<P extends PeerKey = EndpointId.EndpointId> =
  | { readonly _tag: "NeighborUp"; readonly peer: P }
  | { readonly _tag: "NeighborDown"; readonly peer: P; readonly reason: NeighborDownReason }
  | {
      readonly _tag: "Received"
      readonly id: MessageId
      readonly content: Uint8Array
      /** The neighbour that handed it to us; not, in general, its author. */
      readonly deliveredFrom: P
      readonly scope: "swarm" | "neighbors"
      /** Hops from the author; 0 for a message from the author itself. */
      readonly round: number
    }

/**
 * A timer, opaque to whoever runs it. `epoch` tells a topic that was left and joined again from what it was before, so
 * that timers need not be cancelled when a topic is left.
 */
export type Timer<P extends PeerKey = EndpointId.EndpointId> = { readonly topic: TopicKey; readonly epoch: number } & (
  | { readonly _tag: "Shuffle" }
  | { readonly _tag: "NeighborRequest"; readonly peer: P; readonly request: number }
  | { readonly _tag: "Refill" }
  | { readonly _tag: "SendGraft"; readonly id: MessageId }
  | { readonly _tag: "DispatchLazyPush" }
  | { readonly _tag: "EvictCache" }
)
