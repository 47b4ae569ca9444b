/**
 * The contract of the Gossip service: what a node and its topics can do, the events, errors and counters. It knows no
 * implementation; Gossip.ts has the service's tag and layers.
 */

import type { Timers } from "@topic-tracker/common"
import type { CryptoService, EndpointId, SecretRotation, SigningKey, TopicId } from "@topic-tracker/crypto"
import type { ChannelMode, EpochWindowOptions } from "@topic-tracker/crypto/members"
import { type Effect, type Redacted, Schema, type Scope, type Stream } from "effect"
import type { EndpointAddress } from "./AddressLookup.ts"
import type { ReadGate } from "./engine/ReadGate.ts"
import type { AllowAnswer, AllowRole } from "./members/Admissions.ts"
import type { DoorFailure, DoorTopic } from "./members/Door.ts"
import type { Exclusion } from "./members/Exclusion.ts"
import type { MembersStats } from "./members/stateModel.ts"
import type { NotesHandler } from "./members/TopicNotes.ts"
import type { ContentValidator, NeighborTrust, TopicEvent } from "./protocol/index.ts"
import type { LatencyCounts } from "./protocol/LatencyHistogram.ts"
import type { DialOptions, ListenOptions, TransportHandler } from "./transport/Connection.ts"
import type { PeerPath, TransportStats } from "./transport/TransportStats.ts"

/**
 * A gossip operation failed. `reason`:
 * - `MessageTooLarge`: the content does not fit into one message; nothing was sent.
 * - `Closed`: the topic or the service is closed.
 * - `Bind`: the endpoint could not be bound, or iroh's native binding could not be loaded.
 * - `InvalidArgument`: an option or argument is invalid; the message names it, its value and the allowed values.
 *
 * @since 0.1.0
 * @category errors
 */
export class GossipError extends Schema.TaggedError<GossipError>()("GossipError", {
  reason: Schema.Literals(["MessageTooLarge", "Closed", "Bind", "InvalidArgument"]),
  message: Schema.String,
}) {}

/**
 * The nodes that a message goes to: the whole swarm, or the direct neighbours only.
 *
 * @since 0.1.0
 * @category models
 */
export type BroadcastScope = "swarm" | "neighbors"

/**
 * An event of a topic. `NeighborUp` and `NeighborDown` are the protocol's own.
 *
 * @since 0.1.0
 * @category models
 */
export type GossipEvent =
  | Exclude<TopicEvent, { readonly _tag: "Received" }>
  | {
      readonly _tag: "Received"
      readonly content: Uint8Array
      /** The neighbour that sent us the message. It is not, in general, the author. */
      readonly deliveredFrom: EndpointId.EndpointId
      readonly scope: BroadcastScope
      /** Hops from the author; 0 for a message that comes from the author itself. */
      readonly round: number
    }
  /** This subscriber was too slow: its `skipped` oldest events were dropped. */
  | { readonly _tag: "Lagged"; readonly skipped: number }

/**
 * The buffer of a subscription: its size, and its behaviour when it is full.
 *
 * @since 0.1.0
 * @category options
 */
export interface SubscribeOptions {
  /** The number of events that may wait for the subscriber. At least 1. Default 64. */
  readonly capacity?: number
  /**
   * The treatment of a slow subscriber. `"drop-oldest"` (default): its oldest events are dropped and it gets one
   * `Lagged` event. `"backpressure"`: the topic reads nothing more from its peers until the subscriber has read.
   */
  readonly whenSlow?: "drop-oldest" | "backpressure"
}

/**
 * One topic as this node takes part in it. It closes with the scope it was opened in; the neighbours then get a Disconnect.
 *
 * @since 0.1.0
 * @category models
 */
export interface GossipTopic {
  readonly id: TopicId
  /**
   * Sends content to the swarm or to the neighbours. Waits while all neighbours are slow, and at most 250 ms for one that is
   * congested (see `sendQueueBytes`). A slow neighbour gets the id and may ask for the content when it has caught up; content for the
   * neighbours only may not reach it. Fails with MessageTooLarge before anything is sent, and with Closed.
   */
  readonly broadcast: (content: Uint8Array, scope?: BroadcastScope) => Effect.Effect<void, GossipError>
  /**
   * Waits until each neighbour has fewer bytes on the way than that, but no longer than `withinMs`; slow neighbours do not count. Gives
   * whether it is so. For authors that adapt to the speed of their neighbours. False if the topic is closed.
   */
  readonly awaitRoom: (bytes: number, withinMs: number) => Effect.Effect<boolean>
  /** Asks these peers to let this node into the topic. Returns at once; a NeighborUp event reports success. Fails with Closed. */
  readonly join: (peers: ReadonlyArray<EndpointId.EndpointId>) => Effect.Effect<void, GossipError>
  /**
   * Asks each of these peers for one link: for a member that needs a link into another part of the swarm. {@link
   * GossipTopic.join} is for newcomers: it also adds the peer's neighbours, and each of them replaces a neighbour. Returns at
   * once; a NeighborUp event reports success. Fails with Closed. Source: NEIGHBOR with high priority, HyParView (DSN 2007), p. 7.
   */
  readonly connect: (peers: ReadonlyArray<EndpointId.EndpointId>) => Effect.Effect<void, GossipError>
  /**
   * Whether {@link GossipTopic.connect} sends requests now. While it would only replace neighbours that are known to be members or have
   * passed on messages, it gets one new neighbour in five minutes, and sends nothing in between.
   */
  readonly mayConnect: Effect.Effect<boolean>
  /**
   * The number of nodes in the topic's swarm, estimated from the names that shuffles bring: of those the node knows as large a share as of
   * the swarm. Undefined in the first minute or two. Each node's estimate is random; strangers among the neighbours can falsify it.
   */
  readonly estimatedSize: Effect.Effect<number | undefined>
  /**
   * Marks these peers as known members, for example because a record that opened names them: a topic of gossip itself has no secret,
   * so it cannot know. Sends nothing. Each topic remembers the 256 that were marked last. Never fails: a closed topic ignores the call.
   */
  readonly vouchFor: (peers: Iterable<EndpointId.EndpointId>) => Effect.Effect<void>
  /** The neighbours now (HyParView's active view). */
  readonly neighbors: Effect.Effect<ReadonlySet<EndpointId.EndpointId>>
  /** The neighbours now, each with the reason to believe that it is a member. */
  readonly neighborTrust: Effect.Effect<ReadonlyMap<EndpointId.EndpointId, NeighborTrust>>
  /** Requests of this node so far that peers refused, because they had no free place. */
  readonly refusals: Effect.Effect<number>
  /**
   * Subscribes at once: the stream has every event from this moment on and ends when the topic closes. Run the stream once.
   * Subscribers share the content of events and must not change it. Fails with Closed, and with InvalidArgument for a bad capacity.
   */
  readonly subscribe: (
    options?: SubscribeOptions,
  ) => Effect.Effect<Stream.Stream<GossipEvent>, GossipError, Scope.Scope>
}

/**
 * Options of {@link GossipService.openMembers}. Times are in minutes.
 *
 * @since 0.1.0
 * @category options
 */
export interface MembersOptions extends EpochWindowOptions {
  readonly crypto: CryptoService
  readonly rotation: SecretRotation["Service"]
  /** The key of this endpoint. It signs our messages. */
  readonly author: SigningKey
  readonly topic: TopicId
  /** `initialSecretHash` of the secret. */
  readonly secretHash: Redacted.Redacted<Uint8Array>
  /**
   * Whether a peer with the secret may be a neighbour, speak as an author, or open streams. It has 1 s, and its answer counts for a minute.
   * True is `"admit"`, false `"refuse"`. Default: every such peer.
   */
  readonly allow?: (peer: EndpointId.EndpointId, as: AllowRole) => Effect.Effect<AllowAnswer | boolean>
  /** Runs when a door to or from a peer did not open. Synchronous. */
  readonly onRefused?: (peer: EndpointId.EndpointId, reason: DoorFailure, byPeer: boolean) => void
  /** The largest message that is put together from parts, in bytes. Default 1 MiB. */
  readonly maxContentBytes?: number
}

/**
 * An event of a channel.
 *
 * @since 0.1.0
 * @category models
 */
export type ChannelEvent =
  | {
      readonly _tag: "Received"
      readonly author: EndpointId.EndpointId
      /** Whether the author signed it. In a group channel the author is only claimed. */
      readonly proven: boolean
      /** 16 hex digits: other ones for each opening of the topic by the author. */
      readonly session: string
      /** From 1, in steps of 1, per author and session. */
      readonly seq: number
      readonly message: Uint8Array
      readonly deliveredFrom: EndpointId.EndpointId
    }
  /** Nobody has these messages of the author any more. */
  | {
      readonly _tag: "Missed"
      readonly author: EndpointId.EndpointId
      readonly session: string
      readonly from: number
      readonly to: number
    }
  /** This reader was too slow: its `skipped` oldest events were dropped. */
  | { readonly _tag: "Lagged"; readonly skipped: number }

/**
 * The acknowledgements that an author waits for: those of `by` members that have the channel open, for at most `withinMs`.
 *
 * @since 0.1.0
 * @category options
 */
export interface AcknowledgeOptions {
  /** 1 to 65,535. */
  readonly by: number
  readonly withinMs: number
}

/**
 * The result of a publish: the seq of the first message, the neighbours when it was sent, and the members that acknowledged it, at most as
 * many as were waited for.
 *
 * @since 0.1.0
 * @category models
 */
export interface BytesPublished {
  readonly seq: number
  readonly neighbors: number
  readonly acknowledged: number
}

/**
 * A channel of bytes on a members-only topic.
 *
 * @since 0.1.0
 * @category models
 */
export interface BytesChannel {
  /**
   * Sends the messages. Several ones, and those of calls at the same time, go under one signature where they fit into one gossip message.
   * Waits for a neighbour if there is none, unless `wait` is false. With `acknowledge` there must be one message. Fails with
   * MessageTooLarge for a message over `maxContentBytes`, before anything is sent, and with Closed.
   */
  readonly publish: (
    messages: ReadonlyArray<Uint8Array>,
    options?: { readonly wait?: boolean; readonly acknowledge?: AcknowledgeOptions },
  ) => Effect.Effect<BytesPublished, GossipError>
  /** The events from the opening of this channel on. Run it once. */
  readonly events: Stream.Stream<ChannelEvent>
}

/**
 * Notes and whispers of a members-only topic, for one protocol beside its channels: presence. A note is a broadcast of at most 1,280 bytes that its
 * author signed, which any member can keep and show to others; a whisper is bytes for one neighbour. See PROTOCOL.md, "Notes and whispers".
 *
 * @since 0.1.0
 * @category models
 */
export interface MembersNotes {
  readonly self: EndpointId.EndpointId
  /** The clock of the network. */
  readonly timers: Timers
  /** A note of ours. Throws a RangeError for a body over 1,280 bytes. */
  readonly sign: (kind: number, stamp: number, body: Uint8Array) => Uint8Array
  readonly verify: (note: Uint8Array) => boolean
  /** Whether the topic's `allow` admits the author. False while it is not known yet: ask again with the next note. */
  readonly admits: (author: EndpointId.EndpointId) => boolean
  /** Sends a note, ours or another's, to the swarm. Without neighbours it reaches nobody, and that is no error. */
  readonly broadcast: (note: Uint8Array) => Effect.Effect<void, GossipError>
  /** Sends bytes, at most 60 KiB, to a peer with a line. Dropped if there is none, or if the peer is slow. */
  readonly whisper: (peer: EndpointId.EndpointId, bytes: Uint8Array) => void
}

/**
 * Options of {@link MembersTopic.channel}.
 *
 * @since 0.1.0
 * @category options
 */
export interface BytesChannelOptions extends SubscribeOptions {
  /** Default: signed, for the whole swarm. */
  readonly mode?: ChannelMode
  /**
   * `"recent"`: the messages of the last two minutes that we or our neighbours still have come first. Default `"now"`: what is sent from
   * the join on, also if the channel is opened later, as far as it has room (2,048 messages and 1 MiB of all channels that are not open yet).
   */
  readonly from?: "now" | "recent"
}

/**
 * A members-only topic as this node takes part in it.
 *
 * @since 0.1.0
 * @category models
 */
export interface MembersTopic {
  /** Its neighbours, all of which have proven membership, and joins. Its contents are envelopes: use a channel instead of `broadcast`. */
  readonly gossip: GossipTopic
  /** Its keys at a door, for other protocols that let in only members. They change with the minutes. */
  readonly door: DoorTopic
  /** The answer of `allow`; `"refuse"` also if it gave none in time. */
  readonly admission: (peer: EndpointId.EndpointId, as: AllowRole) => Effect.Effect<AllowAnswer>
  /** Asks `allow` again about all peers that it was asked about, and lets go neighbours that it refuses now. */
  readonly recheck: Effect.Effect<void>
  /**
   * Ends the overlap after a change of the secret: messages of minutes before it are not taken any more, and connections end whose peer has
   * not proven the new secret yet. Members come back through the door. Without `SecretRotation.secrets`, our own minute counts as the
   * change.
   */
  readonly endOverlap: Effect.Effect<void>
  /**
   * Calls the listener, synchronously, with each peer that is no member any more for this node, until the returned function is called: for protocols
   * beside gossip, whose streams with that peer end then. A peer may be named more than once.
   */
  readonly onExcluded: (listener: (exclusion: Exclusion) => void) => () => void
  /** Counters of what was accepted, ignored, rejected, repaired and missed. */
  readonly stats: Effect.Effect<MembersStats>
  /**
   * Completes when a neighbour has told what was sent before we came, and at the latest 200 ms after the call: from then on no message is
   * missed.
   */
  readonly hasHeads: Effect.Effect<void>
  /** Opens a channel, or another reader of it, until the scope closes. The name has at most 64 bytes of UTF-8; a longer one is a defect. */
  readonly channel: (name: string, options?: BytesChannelOptions) => Effect.Effect<BytesChannel, never, Scope.Scope>
  /** Hands the topic's notes and whispers to a protocol until the scope closes. Fails with InvalidArgument if there is one already. */
  readonly notes: (handler: NotesHandler) => Effect.Effect<MembersNotes, GossipError, Scope.Scope>
}

/**
 * Options of {@link GossipService.open}.
 *
 * @since 0.1.0
 * @category options
 */
export interface OpenOptions {
  /**
   * Judges each content that a peer sends, before it is forwarded and delivered. Runs synchronously, for each content once in 10 s or
   * more. Default: all contents are accepted.
   */
  readonly validate?: ContentValidator
  /** Whether subscribers get the contents. Default true; false if `validate` hands them on: then subscribers get changes of neighbours only. */
  readonly emitsContents?: boolean
  /** While it is held, nothing of the topic is read from peers. */
  readonly gate?: ReadGate
}

/**
 * Connections of other protocols over the endpoint of gossip. The peer's id is proven on each.
 *
 * @since 0.1.0
 * @category models
 */
export interface PeerConnections {
  /** The clock of the network. */
  readonly timers: Timers
  /**
   * Accepts connections of an application protocol until the scope closes, which closes all connections of it. One handler for each
   * protocol at a time; a second one is a defect. QUIC refuses connections of a protocol that has no handler.
   */
  readonly listen: (
    handler: TransportHandler,
    options: Required<ListenOptions>,
  ) => Effect.Effect<void, never, Scope.Scope>
  /** Messages that gossip has sent and received so far, in all topics: what else this node has to do. */
  readonly gossipMessages: () => number
  /** Connects to the peer: ends in `connected` or `dialFailed` of the handler of the protocol, which must be listening. */
  readonly dial: (peer: EndpointId.EndpointId, options: DialOptions & Required<Pick<DialOptions, "alpn">>) => void
}

/**
 * The Gossip service, whichever layer made it.
 *
 * @since 0.1.0
 * @category models
 */
export interface GossipService {
  readonly endpointId: EndpointId.EndpointId
  /** The maximum size of a broadcast's content in bytes. */
  readonly maxContentBytes: number
  /**
   * Waits until this node can dial and be dialled. Topics can be opened before; their dials wait. Fails with Bind when the endpoint
   * cannot be bound: then all topics are closed and no other can be opened.
   */
  readonly ready: Effect.Effect<void, GossipError>
  /** Takes part in the topic until the scope closes. Fails with InvalidArgument if the topic is open already, and with Closed. */
  readonly open: (topic: TopicId, options?: OpenOptions) => Effect.Effect<GossipTopic, GossipError, Scope.Scope>
  /**
   * Takes part in a members-only topic until the scope closes: only peers that prove the secret are its neighbours, its contents are sealed
   * and signed, and each author's messages come in order. See PROTOCOL.md, "Members-only topics".
   */
  readonly openMembers: (options: MembersOptions) => Effect.Effect<MembersTopic, GossipError, Scope.Scope>
  /**
   * Remembers an address that a peer itself gave, for example in its own record. The next dial starts there, before any lookup, if the
   * address is one that this node may dial (see README.md).
   * Addresses that peers send over gossip are remembered without this call.
   */
  readonly learnAddress: (peer: EndpointId.EndpointId, address: EndpointAddress) => Effect.Effect<void>
  /** This node's own addresses, as far as they are published. Waits like `ready`; empty if the endpoint cannot be bound. */
  readonly address: Effect.Effect<EndpointAddress>
  /** The own addresses now, and again at every change. */
  readonly addressChanges: Stream.Stream<EndpointAddress>
  /** One element for each change of the machine's network (interfaces, routes). */
  readonly networkChanges: Stream.Stream<void>
  /** Other protocols on connections of their own. */
  readonly connections: PeerConnections
  /** The paths of all open connections, also of other protocols. Empty in a network that has none, such as the one in memory. */
  readonly paths: Effect.Effect<ReadonlyArray<PeerPath>>
  /** Counters since the start of all topics, also of members-only ones, and the current numbers of topics, peers and connections. */
  readonly stats: Effect.Effect<GossipStats>
  /** How long messages take. */
  readonly latencies: Effect.Effect<GossipLatencies>
}

/**
 * How long messages take, in ms, in all topics since the start. Each is measured on our own clock, and nothing is sent for it: two nodes need not agree
 * about the time. Samples, not every message.
 *
 * @since 0.1.0
 * @category models
 */
export interface GossipLatencies {
  /**
   * From a broadcast of ours to the first neighbour that shows that it has it from another node: the way through the swarm and back to us. It has the
   * 5 ms for which a neighbour gathers announcements, or what its `broadcast.dispatchTimeout` is. Empty as long as there is no second way, and in a swarm
   * in which each of our links carries our messages on.
   */
  readonly echo: LatencyCounts
  /** From the first copy of a message of others to the first announcement or copy by another neighbour: how much later the second way is. */
  readonly secondCopy: LatencyCounts
  /** From a message that was queued for a peer to the time when the transport had taken it: long if the peer or the way to it is slow. */
  readonly write: LatencyCounts
}

/**
 * Counters of the gossip engine since it started; they only grow. The last four are current values.
 *
 * @since 0.1.0
 * @category models
 */
export interface GossipStats extends TransportStats {
  /** Messages written to streams and read from streams. */
  readonly messagesOut: number
  readonly messagesIn: number
  /** Bytes of streams, including length prefixes and stream headers. */
  readonly bytesOut: number
  readonly bytesIn: number
  /** Writes given to the transport and chunks read from it. With the counters above: how well frames are batched. */
  readonly writes: number
  readonly reads: number
  /** Streams that were given up because of a frame that is too long or is not a message. */
  readonly malformedStreams: number
  /** Streams that were stopped: without a header after 10 s, or too many for topics that are not open here. */
  readonly refusedStreams: number
  /** Messages that were not sent because they are too large or because the peer refused the stream. */
  readonly unsendable: number
  readonly dials: number
  readonly dialFailures: number
  /** Peers whose connections were closed because they took too few bytes within `stallTimeout`. */
  readonly stalls: number
  /** Payloads that a slow neighbour did not get at once: their ids were announced to it later. */
  readonly withheld: number
  /** Connections and dials that were refused because their peer misbehaved a short time ago. */
  readonly refused: number
  /**
   * Peers that were disconnected and are refused for a while: slow ones, those that sent malformed data again and again or caused too
   * much work for too long, and those whose message led to an exception.
   */
  readonly expelled: number
  /** Times that a peer was not read for a while because its messages caused too much work. */
  readonly throttled: number
  /** Messages for topics that are not open here. They are not decoded. */
  readonly skippedMessages: number
  /** Events that slow subscribers lost. */
  readonly lagged: number
  /** Exceptions in the engine or in the protocol's state machine: bugs. */
  readonly defects: number
  /** Payloads whose id is not their hash. */
  readonly forgedPayloads: number
  /** Payloads that the validator of their topic ignored. */
  readonly ignoredPayloads: number
  /** Payloads that the validator of their topic rejected. */
  readonly rejectedPayloads: number
  /** Payloads that were received before. */
  readonly duplicatePayloads: number
  /** Messages that make no sense from their sender. */
  readonly droppedMessages: number
  /** Peers named by others that were dropped: beyond the budget of the peer that named them, or no keys. */
  readonly droppedNames: number
  /** Requests to become a neighbour that were refused, because strangers had replaced too many neighbours. */
  readonly refusedRequests: number
  /** Announced ids that were dropped: too many are missing, or the neighbour does not send what it announces. */
  readonly droppedAnnouncements: number
  /** Grafts that were not answered: for a payload that was just sent, or beyond the bytes for that neighbour. */
  readonly droppedGrafts: number
  readonly topics: number
  readonly peers: number
  readonly connections: number
  readonly timers: number
}
