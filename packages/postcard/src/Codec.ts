/**
 * The type of a postcard codec, and the functions that run one. A codec knows the bytes of a value of one type and has the Schema
 * of that type, so that a value can be validated, generated and printed without a second description.
 * Source: the postcard wire format, https://postcard.jamesmunns.com/wire-format
 */
import { Effect, Result, Schema, SchemaIssue, SchemaTransformation } from "effect"
import { Malformed, Reader } from "./Reader.ts"
import { Writer } from "./Writer.ts"

/**
 * Writes and reads the values of one type.
 *
 * @since 0.1.0
 * @category models
 */
export interface Codec<A> {
  /** The values that this codec encodes. */
  readonly schema: Schema.Schema<A>
  /** The smallest encoding of a value, in bytes. It limits the number of elements that a length prefix can claim. */
  readonly minSize: number
  /**
   * Appends the value. Throws {@link EncodeError} for a value outside `schema`. (A method, not a function property: every codec
   * is then a `Codec<unknown>`, the bound of the type parameters that infer codecs.)
   */
  write(writer: Writer, value: A): void
  /** Reads the next value. Calls `reader.fail` on malformed bytes. Call it from the `read` of another codec only. */
  read(reader: Reader): A
}

/**
 * The type of the values of a codec.
 *
 * @since 0.1.0
 * @category models
 */
export type Type<C> = C extends Codec<infer A> ? A : never

/**
 * The bytes are not a value of the codec.
 *
 * @since 0.1.0
 * @category errors
 */
export class DecodeError extends Schema.TaggedError<DecodeError>()("PostcardDecodeError", {
  message: Schema.String,
  /** The position in the input, in bytes. */
  offset: Schema.Int,
}) {}

/**
 * The codec has no encoding for the value, for example for 256 as a u8.
 *
 * @since 0.1.0
 * @category errors
 */
export class EncodeError extends Schema.TaggedError<EncodeError>()("PostcardEncodeError", {
  message: Schema.String,
}) {}

/**
 * A codec from its parts.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <A>(codec: Codec<A>): Codec<A> => codec

/**
 * The bytes of a value. Throws {@link EncodeError} for a value outside the codec's schema.
 *
 * @since 0.1.0
 * @category encoding
 */
export const encodeSync =
  <A>(codec: Codec<A>) =>
  (value: A): Uint8Array => {
    // Taken, not shared: if a codec encodes another value inside its own `write`, the inner call makes a new writer.
    const writer = spare ?? new Writer()
    spare = undefined
    try {
      codec.write(writer, value)
      return writer.toBytes()
    } finally {
      writer.reset()
      if (writer.capacity <= MAX_SPARE_BYTES) spare = writer
    }
  }

/** The last writer, kept for reuse: a new buffer for each message costs more than the encoding itself. */
let spare: Writer | undefined
const MAX_SPARE_BYTES = 65_536

/**
 * The bytes of a value, or the reason why it has no encoding.
 *
 * @since 0.1.0
 * @category encoding
 */
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
 * The value at the start of the bytes, and the number of its bytes. Bytes after it are left to the caller, as in Rust's
 * `postcard::take_from_bytes`.
 *
 * @since 0.1.0
 * @category encoding
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

/**
 * The value at the start of the bytes, or the reason why there is none. Bytes after the value are ignored, as in Rust's
 * `postcard::from_bytes`.
 *
 * @since 0.1.0
 * @category encoding
 */
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

/**
 * {@link decodeResult} as an Effect.
 *
 * @since 0.1.0
 * @category encoding
 */
export const decodeEffect =
  <A>(codec: Codec<A>) =>
  (bytes: Uint8Array): Effect.Effect<A, DecodeError> =>
    Effect.suspend(() => Effect.fromResult(decodeResult(codec)(bytes)))

/**
 * The codec as a Schema that encodes to bytes, for functions that take content as `Schema.Codec<A, Uint8Array>`. Decoding ignores
 * bytes after the value, like {@link decodeResult}.
 *
 * @since 0.1.0
 * @category encoding
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
 * A codec with the same bytes and another type. `decode` may refuse a value with `fail`, whose reason has the actual and the
 * expected value. `encode` must accept every value of `schema`.
 *
 * @since 0.1.0
 * @category operations
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
