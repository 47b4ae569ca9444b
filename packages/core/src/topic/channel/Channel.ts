/**
 * A typed channel as a program uses it, the types only; `openChannel.ts` has the implementation.
 */
import type { EndpointId } from "@topic-tracker/crypto"
import type { Duration, Effect, PubSub, Schema, Scope, Stream } from "effect"
import type { ChannelError } from "./ChannelError.ts"

/**
 * Options of a channel. All programs that use a channel need the same `codec` and `authentication`.
 *
 * @since 0.1.0
 * @category options
 */
export interface ChannelOptions<A> {
  /**
   * How values become bytes. `"binary"` (default): compact; readers skip fields that they do not know, so new fields must be optional.
   * `"json"`: UTF-8 of the schema's JSON form. Or a codec of your own.
   */
  readonly codec?: "binary" | "json" | Schema.Codec<A, Uint8Array>
  /**
   * `"signature"` (default): each message is signed by its author. `"group"`: it is sealed only, which costs a tenth, and any member can
   * write in any name.
   */
  readonly authentication?: "signature" | "group"
  /**
   * `"now"` (default): the messages that are sent after the join, also if the channel is opened later, as far as they have room (2,048
   * messages and 1 MiB of all channels that are not open yet; `Lagged` counts what had none). `"recent"`: first those of the last two minutes that this node and its
   * neighbours still have.
   */
  readonly from?: "now" | "recent"
  /** The largest value, in bytes of the codec. At most 1 MiB, the default. Larger ones are for streams. */
  readonly maxContentBytes?: number
  /** The events that may wait for a slow reader. At least 1. Default 256. */
  readonly capacity?: number
  /**
   * The treatment of a slow reader. `"drop-oldest"` (default): its oldest events are dropped, and a Lagged event says how many.
   * `"backpressure"`: the topic reads nothing more from its peers until the reader has read.
   */
  readonly whenSlow?: "drop-oldest" | "backpressure"
}

/**
 * A message of a channel.
 *
 * @since 0.1.0
 * @category models
 */
export interface Received<A> {
  readonly _tag: "Received"
  readonly value: A
  readonly author: EndpointId.EndpointId
  /** Whether the author signed it. In a group channel the author is only claimed. */
  readonly proven: boolean
  /** 16 hex digits: other ones for each opening of the topic by the author. */
  readonly session: string
  /** From 1, in steps of 1, per author and session. */
  readonly seq: number
  readonly deliveredFrom: EndpointId.EndpointId
}

/**
 * An event of a channel.
 *
 * @since 0.1.0
 * @category models
 */
export type ChannelEvent<A> =
  | Received<A>
  /** Nobody has these messages of the author any more. */
  | {
      readonly _tag: "Missed"
      readonly author: EndpointId.EndpointId
      readonly session: string
      readonly from: number
      readonly to: number
    }
  /** The bytes of a message are no value of the schema. It is not delivered. */
  | { readonly _tag: "Undecodable"; readonly author: EndpointId.EndpointId; readonly seq: number }
  /** This reader was too slow: its `skipped` oldest events were dropped. */
  | { readonly _tag: "Lagged"; readonly skipped: number }

/**
 * The result of a publish: the sequence number of the message, the neighbours that it went to, and the members that acknowledged it, if
 * that was asked for.
 *
 * @since 0.1.0
 * @category models
 */
export type Published =
  | {
      readonly _tag: "Published"
      readonly seq: number
      readonly neighbors: number
      readonly acknowledged: number
    }
  | { readonly _tag: "Dropped" }

/**
 * Options of one publish.
 *
 * @since 0.1.0
 * @category options
 */
export interface PublishOptions {
  /** The treatment of the message while there is no neighbour: it waits for one (default), fails with `Alone`, or is dropped. */
  readonly whenAlone?: "wait" | "fail" | "drop"
  /**
   * Waits until `by` members (1 to 65,535) that have the channel open have acknowledged the message, and fails with `NotAcknowledged` when
   * that takes longer than `within`. The message is sent all the same, once.
   */
  readonly acknowledge?: { readonly by: number; readonly within: Duration.Input }
}

/**
 * Counters of a channel since it was opened; the last six count the whole topic, since its session began.
 *
 * @since 0.1.0
 * @category models
 */
export interface ChannelStats {
  readonly published: number
  readonly received: number
  /** Messages that are no values of the schema. */
  readonly undecodable: number
  /** Messages that nobody has any more. */
  readonly missed: number
  /** Envelopes that were accepted; a batch of messages is one. */
  readonly accepted: number
  /** Envelopes that came before, are too old, or are beyond a limit. */
  readonly ignored: number
  /** Envelopes that no member made. */
  readonly rejected: number
  /** Envelopes that were asked for and came. */
  readonly repaired: number
  /** Second contents for one sequence number, signed by their author. */
  readonly equivocations: number
  /** Messages that neighbours claimed and nobody had. */
  readonly falseHeads: number
}

/**
 * A channel of values on a members-only topic. It lives until its Scope closes or the topic is left; while the topic is suspended it is
 * silent. Open it before the first message is expected: it has the messages from then on.
 *
 * {@link publish} and {@link subscribe} have the shape of a PubSub, so a part of a program that is given both can use either.
 *
 * @since 0.1.0
 * @category models
 */
export interface Channel<A> {
  /**
   * Sends a value. The messages of one channel arrive in the order in which they were published, each once, also equal ones. What is
   * published at the same time goes under one signature, so several fibers publish faster than one.
   */
  readonly publish: (value: A, options?: PublishOptions) => Effect.Effect<Published, ChannelError>
  /**
   * Every event from the moment the stream runs. The first run of it, of {@link messages} or of {@link subscribe} begins with the events
   * since the channel was opened, at most `capacity`.
   */
  readonly events: Stream.Stream<ChannelEvent<A>>
  /** The messages alone. */
  readonly messages: Stream.Stream<Received<A>>
  /**
   * The values alone, as a subscription of an Effect PubSub of the channel's `capacity`: bounded with `whenSlow: "backpressure"`, else
   * sliding. When the topic ends, a take is interrupted.
   */
  readonly subscribe: Effect.Effect<PubSub.Subscription<A>, never, Scope.Scope>
  readonly stats: Effect.Effect<ChannelStats>
}
