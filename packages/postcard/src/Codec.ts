/**
 * What a postcard codec is, and the functions that run one. A codec knows how a value of one type lies on the wire and
 * carries the Schema of that type, so that a value can be validated, generated and shown without a second description.
 * Source: the postcard wire format, https://postcard.jamesmunns.com/wire-format
 */
import { Effect, Result, Schema, SchemaIssue, SchemaTransformation } from "effect"
import { Malformed, Reader } from "./Reader.ts"
import { Writer } from "./Writer.ts"

export interface Codec<A> {
  /** The values that this codec encodes. */
  readonly schema: Schema.Schema<A>
  /** The fewest bytes that a value takes on the wire: bounds how many elements a length prefix may claim. */
  readonly minSize: number
  /**
   * Appends the value. Throws {@link EncodeError} for a value outside `schema`. (A method, not a function property, so that
   * every codec is a `Codec<unknown>`, the bound of the parameters that infer codecs.)
   */
  write(writer: Writer, value: A): void
  /** Takes the next value. Ends with `reader.fail` on malformed bytes: call it from within a codec only. */
  read(reader: Reader): A
}

/** The type of the values of a codec. */
export type Type<C> = C extends Codec<infer A> ? A : never

/** Bytes that are no value of the codec. */
export class DecodeError extends Schema.TaggedError<DecodeError>()("PostcardDecodeError", {
  message: Schema.String,
  /** Where in the input it was noticed, in bytes. */
  offset: Schema.Int,
}) {}

/** A value that the codec has no encoding for, such as 256 as a u8. */
export class EncodeError extends Schema.TaggedError<EncodeError>()("PostcardEncodeError", {
  message: Schema.String,
}) {}

/** A new codec from its parts. */
export const make = <A>(codec: Codec<A>): Codec<A> => codec

/** The bytes of a value. Throws {@link EncodeError} for a value outside the codec's schema. */
export const encodeSync =
  <A>(codec: Codec<A>) =>
  (value: A): Uint8Array => {
    // Taken, not shared: a codec that encodes something else while it writes finds no spare and makes its own.
    const writer = spare ?? new Writer()
    spare = undefined
    try {
      codec.write(writer, value)
      return writer.toBytes()
    } finally {
      writer.reset()
      if (writer.capacity <= maxSpareCapacity) spare = writer
    }
  }

/** The last writer used, kept because a new buffer for each message costs more than the encoding itself. */
let spare: Writer | undefined
const maxSpareCapacity = 65_536

/** The bytes of a value, or why it has none. */
export const encodeResult =
  <A>(codec: Codec<A>) =>
  (value: A): Result.Result<Uint8Array, EncodeError> => {
    try {
      return Result.succeed(encodeSync(codec)(value))
    } catch (cause) {
      if (cause instanceof EncodeError) return Result.fail(cause)
      throw cause
    }
  }

/**
 * The value that the bytes begin with, and how many bytes it took. As in Rust's `postcard::take_from_bytes`, what follows
 * is left to the caller.
 */
export const decodePrefixResult =
  <A>(codec: Codec<A>) =>
  (bytes: Uint8Array): Result.Result<{ readonly value: A; readonly size: number }, DecodeError> => {
    const reader = new Reader(bytes)
    try {
      const value = codec.read(reader)
      return Result.succeed({ value, size: reader.position })
    } catch (cause) {
      if (cause instanceof Malformed) return Result.fail(decodeError(cause))
      throw cause
    }
  }

/** The value of the bytes, or why there is none. Bytes after the value are ignored, as Rust's `postcard::from_bytes` does. */
export const decodeResult =
  <A>(codec: Codec<A>) =>
  (bytes: Uint8Array): Result.Result<A, DecodeError> => {
    try {
      return Result.succeed(codec.read(new Reader(bytes)))
    } catch (cause) {
      if (cause instanceof Malformed) return Result.fail(decodeError(cause))
      throw cause
    }
  }

/** {@link decodeResult} as an Effect. */
export const decodeEffect =
  <A>(codec: Codec<A>) =>
  (bytes: Uint8Array): Effect.Effect<A, DecodeError> =>
    Effect.suspend(() => Effect.fromResult(decodeResult(codec)(bytes)))

/**
 * The codec as a Schema whose encoded side is bytes, for every place that takes content as
 * `Schema.Codec<A, Uint8Array>`. Decoding ignores bytes after the value, as {@link decodeResult} does.
 */
export const toSchema = <A>(codec: Codec<A>): Schema.Codec<A, Uint8Array> =>
  Schema.Uint8Array.pipe(
    Schema.decodeTo(
      Schema.toType(codec.schema),
      SchemaTransformation.transformEffect({
        decode: (bytes: Uint8Array) => Effect.mapError(Effect.fromResult(decodeResult(codec)(bytes)), invalidValue),
        encode: (value: A) => Effect.mapError(Effect.fromResult(encodeResult(codec)(value)), invalidValue),
      }),
    ),
  )

/**
 * The same bytes read as another type. `decode` may refuse a value with `fail`, which names what was found and what would
 * be right; `encode` is total on the values of `schema`.
 */
export const transform = <A, B>(
  codec: Codec<A>,
  schema: Schema.Schema<B>,
  options: {
    readonly decode: (value: A, fail: (reason: string) => never) => B
    readonly encode: (value: B) => A
  },
): Codec<B> => ({
  schema,
  minSize: codec.minSize,
  write: (writer, value) => codec.write(writer, options.encode(value)),
  read: (reader) => options.decode(codec.read(reader), (reason) => reader.fail(reason)),
})

const decodeError = ({ reason, offset }: Malformed): DecodeError =>
  new DecodeError({ message: `at byte ${offset}: ${reason}`, offset })

const invalidValue = (error: DecodeError | EncodeError) => new SchemaIssue.InvalidValue({ message: error.message })
