/**
 * The events that go into the protocol's state machine, the actions that come out of it, and the types that its parts share. The
 * machine does no I/O and knows no clock: its driver (the engine, the simulator) delivers events and carries out actions, in order.
 */
import type { EndpointId } from "@topic-tracker/crypto"
import type { Message, PeerKey } from "./Message.ts"
import type { MessageId } from "./MessageId.ts"
import type { Rng } from "./Rng.ts"

/**
 * The name of a topic: the 64 hex digits of its id (`TopicId.hex`).
 *
 * @since 0.1.0
 * @category models
 */
export type TopicKey = string

/**
 * Something that happened.
 *
 * @since 0.1.0
 * @category models
 */
export type Event<P extends PeerKey = EndpointId.EndpointId> =
  /** A message arrived on the topic's stream. */
  | { readonly _tag: "Received"; readonly from: P; readonly topic: TopicKey; readonly message: Message<P> }
  /** Take part in the topic, if this node does not yet, and ask these peers (the list may be empty) to let it in. */
  | { readonly _tag: "Join"; readonly topic: TopicKey; readonly peers: ReadonlyArray<P> }
  /** Ask these peers to be our neighbours, and no other peers through them. */
  | { readonly _tag: "Connect"; readonly topic: TopicKey; readonly peers: ReadonlyArray<P> }
  /**
   * These peers are known to be members from outside of gossip, for example by a record that opened. Without effect in a topic that
   * this node does not take part in.
   */
  | { readonly _tag: "VouchFor"; readonly topic: TopicKey; readonly peers: Iterable<P> }
  /** Send content to the swarm or to the direct neighbours only. */
  | {
      readonly _tag: "Broadcast"
      readonly topic: TopicKey
      readonly content: Uint8Array
      readonly scope: "swarm" | "neighbors"
    }
  /** Leave the topic: each neighbour gets a Disconnect, the topic's state is dropped. */
  | { readonly _tag: "Quit"; readonly topic: TopicKey }
  /** A timer that a ScheduleTimer action started is due. */
  | { readonly _tag: "TimerExpired"; readonly timer: Timer<P> }
  /** The connection to the peer closed, or the dial failed. */
  | { readonly _tag: "PeerDisconnected"; readonly peer: P }
  /** The data that we send to others about ourselves has changed. */
  | { readonly _tag: "PeerDataChanged"; readonly data: Uint8Array }

/**
 * Something to do.
 *
 * @since 0.1.0
 * @category models
 */
export type Action<P extends PeerKey = EndpointId.EndpointId> =
  /**
   * Send the message to the peer, over a connection that may have to be made first. Sends to one peer keep their order.
   * A payload for several peers is one and the same `message` object in each of their Sends, so it need be encoded once.
   */
  | { readonly _tag: "Send"; readonly to: P; readonly topic: TopicKey; readonly message: Message<P> }
  | { readonly _tag: "Emit"; readonly topic: TopicKey; readonly event: TopicEvent<P> }
  /** Give the timer back as a TimerExpired event after `delayMs` milliseconds. */
  | { readonly _tag: "ScheduleTimer"; readonly delayMs: number; readonly timer: Timer<P> }
  /** No topic needs the connection to the peer any more: close it once everything queued for it has been sent. */
  | { readonly _tag: "DisconnectPeer"; readonly peer: P }
  /** A peer sent something new about another (see codec/peerData.ts). Never empty. */
  | { readonly _tag: "PeerData"; readonly peer: P; readonly data: Uint8Array }

/**
 * The reason why a peer is no longer a neighbour.
 * - `left`: it sent a Disconnect because it leaves the topic.
 * - `replaced`: its active view or ours was full, and one side gave its place to another peer. It stays in the topic.
 * - `lost`: its connection closed, and no Disconnect had come from it: a crash, a cut network, or a process that ended without one.
 *
 * @since 0.1.0
 * @category models
 */
export type NeighborDownReason = "left" | "replaced" | "lost"

/**
 * The reason to believe that a neighbour is a member of the swarm.
 * - `vouched`: the application vouched for it (VouchFor).
 * - `proven`: while it was a neighbour it passed on payloads that this node did not have.
 * - `unknown`: there is none; it only asked.
 *
 * @since 0.1.0
 * @category models
 */
export type NeighborTrust = "vouched" | "proven" | "unknown"

/**
 * What an application says of a content before it is forwarded.
 * - `accept`: it is forwarded and delivered.
 * - `ignore`: neither, and no peer is to blame: the same content may be judged again 10 s later.
 * - `reject`: neither. The application decides what follows for the peer that sent it.
 *
 * @since 0.1.0
 * @category models
 */
export type ContentVerdict = "accept" | "ignore" | "reject"

/**
 * Judges a content that a peer sent, before it is forwarded. It must be quick and must not throw.
 *
 * @since 0.1.0
 * @category models
 */
export type ContentValidator<P extends PeerKey = EndpointId.EndpointId> = (
  from: P,
  content: Uint8Array,
  scope: "swarm" | "neighbors",
) => ContentVerdict

/**
 * An event for the application of this node.
 *
 * @since 0.1.0
 * @category models
 */
export type TopicEvent<P extends PeerKey = EndpointId.EndpointId> =
  | { readonly _tag: "NeighborUp"; readonly peer: P }
  | { readonly _tag: "NeighborDown"; readonly peer: P; readonly reason: NeighborDownReason }
  | {
      readonly _tag: "Received"
      readonly id: MessageId
      readonly content: Uint8Array
      /** The neighbour that sent it to us; not, in general, its author. */
      readonly deliveredFrom: P
      readonly scope: "swarm" | "neighbors"
      /** Hops from the author; 0 for a message from the author itself. */
      readonly round: number
    }

/**
 * A timer. The driver does not read its fields. `epoch` distinguishes a topic that was left and joined again from its earlier
 * state, so that no timer has to be cancelled when a topic is left.
 *
 * @since 0.1.0
 * @category models
 */
export type Timer<P extends PeerKey = EndpointId.EndpointId> = { readonly topic: TopicKey; readonly epoch: number } & (
  | { readonly _tag: "Shuffle" }
  | { readonly _tag: "NeighborRequest"; readonly peer: P; readonly request: number }
  | { readonly _tag: "Refill" }
  | { readonly _tag: "SeekMember" }
  | { readonly _tag: "SendGraft"; readonly id: MessageId }
  | { readonly _tag: "DispatchLazyPush" }
  | { readonly _tag: "EvictCache" }
)

/** A timer before its topic is added. */
export type TopicTimer<P extends PeerKey> = WithoutTopic<Timer<P>>
type WithoutTopic<T> = T extends unknown ? Omit<T, "topic" | "epoch"> : never

/**
 * Counters of one topic. Plain numbers that only grow until they are reset.
 *
 * @since 0.1.0
 * @category models
 */
export interface TopicStats {
  messagesSent: number
  messagesReceived: number
  /** Gossip messages received, duplicates and forgeries included. */
  payloadMessagesReceived: number
  /** Prune, Graft and IHave messages received. */
  controlMessagesReceived: number
  /** The largest number of hops of a payload delivered here. */
  maxLastDeliveryHop: number
  /** Payloads dropped because this node had them already. */
  duplicatePayloads: number
  /** Payloads dropped because their id is not the BLAKE3 hash of their content. */
  forgedPayloads: number
  /** Payloads that the topic's validator ignored, and those that it rejected, each with the repetitions that were not judged again. */
  ignoredPayloads: number
  rejectedPayloads: number
  /** Messages dropped because our own rules allow no such message from this peer. */
  droppedMessages: number
  /** Peers named by others that were dropped: beyond the budget of the peer that named them, or no keys. */
  droppedNames: number
  /** Requests of high priority that were refused, because strangers had replaced too many neighbours. */
  refusedRequests: number
  /** Requests of our own that a peer refused, for want of a free place. */
  refusals: number
  /** Announced ids that were dropped: too many are missing, or the neighbour does not send what it announces. */
  droppedAnnouncements: number
  /** Grafts that were not answered: for a payload that was just sent, or beyond the bytes for that neighbour. */
  droppedGrafts: number
}

/** Counters at 0. */
export const makeTopicStats = (): TopicStats => ({
  messagesSent: 0,
  messagesReceived: 0,
  payloadMessagesReceived: 0,
  controlMessagesReceived: 0,
  maxLastDeliveryHop: 0,
  duplicatePayloads: 0,
  forgedPayloads: 0,
  ignoredPayloads: 0,
  rejectedPayloads: 0,
  droppedMessages: 0,
  droppedNames: 0,
  refusedRequests: 0,
  refusals: 0,
  droppedAnnouncements: 0,
  droppedGrafts: 0,
})

/** The actions, random numbers and counters of one topic, as HyParView and PlumTree get them. */
export interface TopicIo<P extends PeerKey> {
  readonly me: P
  readonly rng: Rng
  /** The time of the current event in ms; it never goes back. */
  readonly now: number
  readonly stats: TopicStats
  readonly send: (to: P, message: Message<P>) => void
  readonly neighborUp: (peer: P) => void
  readonly neighborDown: (peer: P, reason: NeighborDownReason) => void
  readonly schedule: (delayMs: number, timer: TopicTimer<P>) => void
  /** This topic no longer needs the connection to the peer. */
  readonly disconnect: (peer: P) => void
  readonly peerData: (peer: P, data: Uint8Array) => void
  /** Whether this neighbour has sent us a payload which we did not have. */
  readonly hasDelivered: (peer: P) => boolean
  /** Whether the name of a peer is a key that other nodes accept. */
  readonly isKey: (peer: P) => boolean
}
