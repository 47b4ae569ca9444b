/**
 * A topic as its users hold it: join by name and secret, broadcast, and hear what others say. How it finds and keeps its
 * neighbours is nobody's business here; {@link Topic.account} tells those who want to know.
 *
 * A topic belongs to the Scope it was joined in. When that closes, its fibers are interrupted, its neighbours are told, and
 * every stream taken from it ends.
 */
import type { EndpointId, TopicId } from "@topic-tracker/crypto"
import type { SubscribeOptions } from "@topic-tracker/gossip"
import { Effect, type Redacted, type Scope, type Stream } from "effect"
import type { TopicConfig, TopicConfigError, TopicConfigInput } from "../config/TopicConfig.ts"
import type { RecordPublisher } from "../records/RecordPublisher.ts"
import type { TopicRecordContent } from "../records/TopicRecordContent.ts"
import { TopicTracker } from "../tracker/TopicTracker.ts"
import type { TopicActivity } from "./TopicActivity.ts"
import type { TopicError } from "./TopicError.ts"
import type { Message, TopicEvent } from "./TopicEvent.ts"

/** What both halves of a topic have. */
interface TopicHalf {
  readonly id: TopicId
  /**
   * Keeps the topic open until the current Scope closes, also beyond the one it was joined in. Fails with `Closed` when the
   * topic has been left already.
   */
  readonly keepAlive: Effect.Effect<void, TopicError, Scope.Scope>
}

/** The half of a topic that speaks. */
export interface TopicSender extends TopicHalf {
  /**
   * Sends content (a string as UTF-8) to the whole swarm. Gossip drops content that it has seen within the last 90 s: what
   * must arrive twice has to differ. Without neighbours it reaches nobody, and that is no error.
   */
  readonly broadcast: (content: string | Uint8Array) => Effect.Effect<void, TopicError>
  /** As {@link broadcast}, to the direct neighbours only. */
  readonly broadcastNeighbors: (content: string | Uint8Array) => Effect.Effect<void, TopicError>
  /**
   * Asks peers to let us in; with `max`, so many of them, chosen at random. Returns once they are asked; success shows as
   * NeighborUp.
   */
  readonly joinPeers: (peers: Iterable<EndpointId.EndpointId>, max?: number) => Effect.Effect<void, TopicError>
}

/** The half of a topic that hears. */
export interface TopicReceiver extends TopicHalf {
  /**
   * Every event from the moment the stream is run; ends when the topic closes. The first stream or subscription taken from
   * what a join returned begins with what has happened since that join (the last `subscribers.capacity` events).
   */
  readonly events: Stream.Stream<TopicEvent>
  /** Subscribes at once: nothing that happens from here on is missed. The defaults are the configuration's `subscribers`. */
  readonly subscribe: (options?: SubscribeOptions) => Effect.Effect<Stream.Stream<TopicEvent>, never, Scope.Scope>
  /** The messages among {@link events}; what a slow subscriber loses is not told here. */
  readonly messages: Stream.Stream<Message>
  /** The peers that we are connected to in this topic: at most 5. */
  readonly neighbors: Effect.Effect<ReadonlySet<EndpointId.EndpointId>>
  /** The same, now and after each change. */
  readonly neighborChanges: Stream.Stream<ReadonlySet<EndpointId.EndpointId>>
  /** Whether there is a neighbour. */
  readonly isJoined: Effect.Effect<boolean>
  /** Completes when there is a neighbour. */
  readonly joined: Effect.Effect<void, TopicError>
  /** SHA-512, cut to 32 bytes, of the last (up to 5) messages received; the oldest first. Our own are not among them. */
  readonly lastMessageHashes: Effect.Effect<ReadonlyArray<Uint8Array>>
}

/** Counters since the topic was opened. */
export interface TopicStats {
  /** Looks into the DHT, of one minute's slot or two. */
  readonly looks: number
  /** Turns of the workers that were left to others, because all was well. */
  readonly turnsSkipped: number
  readonly recordsPublished: number
  /** Times that nothing was published because the slot showed enough records. */
  readonly recordsSkipped: number
  /** Times that every DHT node kept a record that was there before ours. */
  readonly recordsRefused: number
  readonly dials: number
  /** Times that a merge asked peers. */
  readonly merges: number
  /** Doings of bootstrap and workers that failed. */
  readonly failures: number
  readonly messagesReceived: number
}

/** A topic that was joined. It is left when the Scope closes in which that was done. */
export interface Topic extends TopicSender, TopicReceiver {
  readonly config: TopicConfig
  /** The two halves, to hand to those who need only one. They live as long as the topic, and no longer unless kept alive. */
  readonly split: { readonly sender: TopicSender; readonly receiver: TopicReceiver }
  /** Publishes and reads this topic's records. */
  readonly recordPublisher: RecordPublisher<TopicRecordContent>
  /**
   * Leaves the swarm until {@link resume}: neighbours are told, and no fiber or timer runs. Streams stay and are silent after
   * a NeighborDown for each neighbour. All who share the topic are suspended.
   */
  readonly suspend: Effect.Effect<void>
  /** Looks for neighbours again at once. Does nothing when the topic is not suspended. */
  readonly resume: Effect.Effect<void, TopicError>
  /** What the topic has been doing, the last 64 doings first, and what it does from now on. */
  readonly account: Stream.Stream<TopicActivity>
  readonly stats: Effect.Effect<TopicStats>
}

/** Which topic to join, and with which secret. */
export interface JoinOptions {
  /** A name (a string counts as its UTF-8 bytes; not empty), or a ready TopicId. */
  readonly topic: string | Uint8Array | TopicId
  /** What only members know. Those with another secret find records they cannot open. */
  readonly secret: string | Uint8Array | Redacted.Redacted<string | Uint8Array>
  /**
   * What differs from the tracker's configuration. The topic that is already open under this name and secret is shared as it
   * is: its first user's configuration stays.
   */
  readonly config?: TopicConfigInput
}

/** Joins a topic and waits for the first neighbour: for ever, if nobody comes. When the wait is given up, the topic is left. */
export const join = (
  options: JoinOptions,
): Effect.Effect<Topic, TopicError | TopicConfigError, TopicTracker | Scope.Scope> =>
  Effect.flatMap(TopicTracker, (tracker) => tracker.join(options))

/** Opens a topic and returns at once; the search for neighbours goes on in the background. */
export const joinNoWait = (
  options: JoinOptions,
): Effect.Effect<Topic, TopicError | TopicConfigError, TopicTracker | Scope.Scope> =>
  Effect.flatMap(TopicTracker, (tracker) => tracker.joinNoWait(options))
