/**
 * Typed channels on a members-only topic: values of a schema instead of bytes. The order, the seal and the repair of messages are gossip's
 * (`MembersTopic`); here values are encoded and decoded.
 */
import type { EndpointId } from "@topic-tracker/crypto"
import type { BytesChannel, MembersTopic } from "@topic-tracker/gossip"
import { Effect, Exit, Schema, SchemaGetter, type Scope, Stream } from "effect"
import { SchemaBinary } from "effect/encoding"
import { ChannelError } from "./ChannelError.ts"

/** The longest name of a channel, in bytes of UTF-8. */
const MAX_NAME_BYTES = 64

/**
 * Options of a channel. All programs that use a channel need the same `codec` and `authentication`.
 *
 * @since 0.1.0
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
  /** The events that may wait for a slow reader. More: the oldest are dropped, and a Lagged event says how many. Default 256. */
  readonly capacity?: number
}

/**
 * A message of a channel.
 *
 * @since 0.1.0
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
 * The result of a publish.
 *
 * @since 0.1.0
 */
export type Published =
  | { readonly _tag: "Published"; readonly seq: number; readonly neighbors: number }
  | { readonly _tag: "Dropped" }

/**
 * The treatment of a message while there is no neighbour: it waits for one (default), fails with `Alone`, or is dropped.
 *
 * @since 0.1.0
 */
export interface PublishOptions {
  readonly whenAlone?: "wait" | "fail" | "drop"
}

/**
 * A channel of values on a members-only topic. Open it before the first message is expected: it has the messages from then on.
 *
 * @since 0.1.0
 */
export interface Channel<A> {
  /** Sends a value. The messages of one channel arrive in the order in which they were published, each once, also equal ones. */
  readonly publish: (value: A, options?: PublishOptions) => Effect.Effect<Published, ChannelError>
  /** All events since the channel was opened. Run it once. */
  readonly events: Stream.Stream<ChannelEvent<A>>
  /** The messages only. It is the same stream: run one of both. */
  readonly messages: Stream.Stream<Received<A>>
}

/** Opens a channel of the topic until the scope closes. */
export const openChannel = Effect.fnUntraced(function* <A>(
  members: MembersTopic,
  name: string,
  schema: Schema.Codec<A, unknown>,
  options: ChannelOptions<A> = {},
): Effect.fn.Return<Channel<A>, ChannelError, Scope.Scope> {
  const bytes = new TextEncoder().encode(name).length
  if (bytes < 1 || bytes > MAX_NAME_BYTES) {
    const message = `name: ${bytes} bytes of UTF-8; a channel's name has 1 to ${MAX_NAME_BYTES}`
    return yield* new ChannelError({ reason: "NameInvalid", message })
  }
  const codec = bytesCodec(schema, options.codec ?? "binary")
  const encode = Schema.encodeEffect(codec)
  const decode = Schema.decodeExit(codec)
  const channel: BytesChannel = yield* members.channel(name, {
    mode: { group: options.authentication === "group", neighborsOnly: false },
    ...(options.capacity !== undefined && { capacity: options.capacity }),
  })
  const events = Stream.map(channel.events, (event): ChannelEvent<A> => {
    if (event._tag !== "Received") return event
    const decoded = decode(event.message)
    if (Exit.isFailure(decoded)) return { _tag: "Undecodable", author: event.author, seq: event.seq }
    const { author, deliveredFrom, proven, seq, session } = event
    return { _tag: "Received", value: decoded.value, author, proven, session, seq, deliveredFrom }
  })
  const neighborCount = Effect.map(members.gossip.neighbors, ({ size }) => size)
  return {
    events,
    messages: Stream.filter(events, (event) => event._tag === "Received"),
    publish: Effect.fnUntraced(function* (value, { whenAlone = "wait" } = {}) {
      const message = yield* Effect.mapError(
        encode(value),
        (error) => new ChannelError({ reason: "NotEncodable", message: `value: ${error.message}` }),
      )
      if (whenAlone !== "wait" && (yield* neighborCount) === 0) {
        if (whenAlone === "drop") return { _tag: "Dropped" }
        return yield* new ChannelError({ reason: "Alone", message: "there is no neighbour" })
      }
      const { neighbors, seq } = yield* Effect.mapError(
        channel.publish([message]),
        ({ message, reason }) =>
          new ChannelError({ reason: reason === "MessageTooLarge" ? "MessageTooLarge" : "Closed", message }),
      )
      return { _tag: "Published", seq, neighbors }
    }),
  }
})

const bytesCodec = <A>(
  schema: Schema.Codec<A, unknown>,
  codec: "binary" | "json" | Schema.Codec<A, Uint8Array>,
): Schema.Codec<A, Uint8Array> => {
  if (codec === "binary") return SchemaBinary.toCodec(schema)
  return codec === "json" ? jsonBytes(schema) : codec
}

const jsonBytes = <A>(schema: Schema.Codec<A, unknown>): Schema.Codec<A, Uint8Array> =>
  Schema.Uint8Array.pipe(
    Schema.decodeTo(Schema.String, {
      decode: SchemaGetter.transform((bytes: Uint8Array) => new TextDecoder().decode(bytes)),
      encode: SchemaGetter.transform((text: string) => new TextEncoder().encode(text)),
    }),
    Schema.decodeTo(Schema.fromJsonString(Schema.toCodecJson(schema))),
  )
