/**
 * A topic as a program uses it: broadcast, listen, suspend, leave. The types only; `join.ts` has the functions, `makeTopic.ts` the
 * implementation. How a topic finds and keeps its neighbours does not show here; {@link Topic.activity} reports it.
 *
 * A topic belongs to the Scope it was joined in. When the Scope closes, the topic's fibers are interrupted, its neighbours are
 * notified, and every stream of it ends.
 */
import type { EndpointId, TopicId } from "@topic-tracker/crypto"
import type { AllowAnswer, AllowRole, SubscribeOptions } from "@topic-tracker/gossip"
import type { Duration, Effect, Redacted, Schema, Scope, Stream } from "effect"
import type { TopicConfig, TopicConfigInput } from "../config/TopicConfig.ts"
import type { Invite } from "../invite/Invite.ts"
import type { TopicInviteOptions } from "../invite/TopicInviteOptions.ts"
import type { RecordPublisher } from "../records/RecordPublisher.ts"
import type { TopicRecordContent } from "../records/TopicRecordContent.ts"
import type { Channel, ChannelOptions } from "./channel/Channel.ts"
import type { ChannelError } from "./channel/ChannelError.ts"
import type { ReplaceSecretOptions, SecretGeneration } from "./channel/replaceSecret.ts"
import type { PeerLink } from "./PeerLink.ts"
import type { TopicActivity, TopicStats } from "./TopicActivity.ts"
import type { TopicError } from "./TopicError.ts"
import type { Message, TopicEvent } from "./TopicEvent.ts"

/** The common part of both halves of a topic. */
interface TopicHalf {
  readonly id: TopicId
  /**
   * Keeps the topic open until the current Scope closes, also after the Scope that it was joined in. Fails with `Closed` if the topic
   * was left already.
   */
  readonly keepAlive: Effect.Effect<void, TopicError, Scope.Scope>
}

/**
 * The half of a topic that sends.
 *
 * @since 0.1.0
 * @category models
 */
export interface TopicSender extends TopicHalf {
  /**
   * Sends content (a string as UTF-8) to the whole swarm. Gossip drops content that it has seen within the last 90 s: two messages
   * must differ to arrive both. Without neighbours the message reaches no node, and that is no error. Fails with `MessageTooLarge`,
   * `Timeout`, `Suspended` or `Closed`.
   */
  readonly broadcast: (content: string | Uint8Array) => Effect.Effect<void, TopicError>
  /** Like {@link broadcast}, to the direct neighbours only. */
  readonly broadcastNeighbors: (content: string | Uint8Array) => Effect.Effect<void, TopicError>
  /**
   * Asks peers to become neighbours; with `max`, that many of them, chosen at random. Returns once they are asked; a NeighborUp event
   * reports success. Fails with `InvalidArgument`, `Timeout`, `Suspended` or `Closed`.
   */
  readonly joinPeers: (peers: Iterable<EndpointId.EndpointId>, max?: number) => Effect.Effect<void, TopicError>
}

/**
 * The half of a topic that listens.
 *
 * @since 0.1.0
 * @category models
 */
export interface TopicReceiver extends TopicHalf {
  /**
   * Every event from the moment the stream runs; ends when the topic closes. The first run of it, or the first {@link subscribe},
   * begins with the events since the join (the last `subscribers.capacity` of them); later ones begin with the next event.
   */
  readonly events: Stream.Stream<TopicEvent>
  /**
   * Subscribes at once: the stream misses no event from now on. The defaults are the configuration's `subscribers`. The first
   * subscription, or the first run of {@link events}, begins with the events since the join, unless it has `replay: false`.
   */
  readonly subscribe: (options?: TopicSubscribeOptions) => Effect.Effect<Stream.Stream<TopicEvent>, never, Scope.Scope>
  /**
   * The messages from the moment the stream runs. The first run of it begins with the messages since the join (of the last
   * `subscribers.capacity` events), whether or not another part of the program has listened to events before. It does not report what
   * a slow subscriber loses.
   */
  readonly messages: Stream.Stream<Message>
  /** The peers that this node is connected to in this topic: at most 5, and where few nodes can be dialled up to 20 more. */
  readonly neighbors: Effect.Effect<ReadonlySet<EndpointId.EndpointId>>
  /** The neighbours now and after each change. */
  readonly neighborChanges: Stream.Stream<ReadonlySet<EndpointId.EndpointId>>
  /** Whether there is a neighbour. */
  readonly isJoined: Effect.Effect<boolean>
  /** Completes when there is a neighbour. Fails with `Closed` when the topic ends. */
  readonly joined: Effect.Effect<void, TopicError>
  /** SHA-512, cut to 32 bytes, of the last (up to 5) messages received; the oldest first. Our own messages are not among them. */
  readonly lastMessageHashes: Effect.Effect<ReadonlyArray<Uint8Array>>
}

/**
 * Options of one subscriber of a topic: its queue, and its treatment when it is slow.
 *
 * @since 0.1.0
 */
export interface TopicSubscribeOptions extends SubscribeOptions {
  /**
   * Whether the stream begins with the events since the join, if no subscription took them yet. `false` leaves them to a later
   * subscription. Default: true.
   */
  readonly replay?: boolean
}

/**
 * A joined topic. It is left when the Scope closes that it was joined in.
 *
 * @since 0.1.0
 * @category models
 */
export interface Topic extends TopicSender, TopicReceiver {
  readonly config: TopicConfig
  /** The two halves, for parts of a program that need only one. They live as long as the topic, unless kept alive. */
  readonly split: { readonly sender: TopicSender; readonly receiver: TopicReceiver }
  /** Publishes and reads this topic's records. */
  readonly recordPublisher: RecordPublisher<TopicRecordContent>
  /**
   * Leaves the swarm until {@link resume}: neighbours are notified, and no fiber or timer runs. Streams stay open and silent, after a
   * NeighborDown for each neighbour. The topic is suspended for every part of this process that shares it.
   */
  readonly suspend: Effect.Effect<void>
  /** Searches for neighbours again at once. Does nothing if the topic is not suspended. Fails with `Closed`. */
  readonly resume: Effect.Effect<void, TopicError>
  /** The topic's activity: the last 64 entries, then every new one. */
  readonly activity: Stream.Stream<TopicActivity>
  readonly stats: Effect.Effect<TopicStats>
  /** Asks `allow` again about all peers, and lets go neighbours that it refuses now: a ban takes effect at once. */
  readonly recheck: Effect.Effect<void, TopicError>
  /**
   * Replaces the secret from a minute on: a member that does not get the new one is excluded, once the `overlap` is over. All other members must
   * be given the same secret, generation and minute, by a way of their own or an invitation (`ring`). Of an open topic it replaces the secret of
   * its records alone. Fails with `InvalidArgument` if the generation is there with another secret.
   */
  readonly replaceSecret: (
    secret: string | Uint8Array | Redacted.Redacted<string | Uint8Array>,
    options?: ReplaceSecretOptions,
  ) => Effect.Effect<SecretGeneration, TopicError>
  /**
   * Ends the overlap after the secret was replaced: nothing that was proven or sealed with the old one counts from now on. Members whose
   * connection ends come back with the new secret.
   */
  readonly endOverlap: Effect.Effect<void, TopicError>
  /**
   * Makes an invitation to this topic: the text that `Topic.join({ invite })` and `Invite.parse` take. It has the topic's name, its secrets and
   * access, and the id and address of this node, as far as that is published, so that the newcomer needs one dial. It is membership: pass it on like a
   * key. Waits until the node's addresses are known; works in a suspended topic, too. Fails with `InvalidArgument` (also if the newest secret was
   * given to the rotation as a hash), `InvalidInvite` if topic and secret are too long for an invitation, and `Closed`.
   *
   * @example
   * ```ts
   * const invitation = yield* topic.invite({ expiresIn: "1 day" })
   * yield* Console.log(Redacted.value(invitation))
   * ```
   */
  readonly invite: (options?: TopicInviteOptions) => Effect.Effect<Redacted.Redacted<string>, TopicError>
  /** The base for packages that open streams to the topic's peers. Fails with `Suspended` or `Closed`. */
  readonly peerLink: Effect.Effect<PeerLink, TopicError>
  /**
   * Opens a typed channel of a members-only topic until the Scope closes. The name has 1 to 64 bytes; the same name may be opened several
   * times. Fails with `NotMembersOnly`, `NameInvalid`, `InvalidArgument`, `Suspended` or `Closed`.
   */
  readonly channel: <A>(
    name: string,
    schema: Schema.Codec<A, unknown>,
    options?: ChannelOptions<A>,
  ) => Effect.Effect<Channel<A>, ChannelError, Scope.Scope>
}

/**
 * Options of a join that do not name the topic. If the topic is already open under its name and secret, it is shared with the options of its
 * first join.
 *
 * @since 0.1.0
 * @category options
 */
export interface JoinSettings {
  /**
   * The options that differ from the tracker's configuration.
   */
  readonly config?: TopicConfigInput
  /**
   * Members-only topics: whether a peer that has the secret may be a neighbour, speak (`"author"`) or open streams to this node. It has 1 s;
   * its answer counts for a minute, or until {@link Topic.recheck}. True is `"admit"` and false `"refuse"`; a `"mute"`d author's messages are
   * passed on and not delivered. It is this node's own view, and no exclusion: the peer still reads through nodes that admit it. Default:
   * every member may.
   */
  readonly allow?: (peer: EndpointId.EndpointId, as: AllowRole) => Effect.Effect<AllowAnswer | boolean>
  /**
   * Members-only topics: after the secret was replaced, what was proven and sealed with the old one counts for this time. 2 to 12 whole minutes,
   * default 3.
   */
  readonly overlap?: Duration.Input
}

/**
 * The topic to join, its secret, and its options.
 *
 * @since 0.1.0
 * @category options
 */
export interface JoinOptions extends JoinSettings {
  /** A name (a string counts as its UTF-8 bytes; not empty), or a ready TopicId. */
  readonly topic: string | Uint8Array | TopicId
  /** Shared by all members. A node with another secret finds records that it cannot open. */
  readonly secret: string | Uint8Array | Redacted.Redacted<string | Uint8Array>
  /**
   * `"members"`: only peers that prove the secret are neighbours, all messages are sealed and have a proven author, and
   * {@link Topic.channel} works. All members must use the same access; programs of the crate cannot take part. Default `"open"`.
   */
  readonly access?: "open" | "members"
}

/**
 * A join by an invitation, which says topic, secret and access.
 *
 * @since 0.1.0
 * @category options
 */
export interface JoinByInviteOptions extends JoinSettings {
  /**
   * The invitation: its text, or what `Invite.parse` read. The endpoints that it names are dialled at once, if this node may dial their
   * addresses, and beside the search in the DHT. One that cannot be read, or has expired, fails with `InvalidInvite` before anything is
   * sent.
   */
  readonly invite: Invite | Redacted.Redacted<string> | string
}
