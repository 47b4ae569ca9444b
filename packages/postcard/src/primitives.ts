/**
 * Codecs of postcard's scalar types, strings and byte arrays.
 * Source: the postcard wire format, https://postcard.jamesmunns.com/wire-format
 */
import { Schema } from "effect"
import { type Codec, EncodeError } from "./Codec.ts"

const int = (name: string, minimum: number, maximum: number) =>
  Schema.Int.check(Schema.isBetween({ minimum, maximum }, { expected: `a ${name}, ${minimum} to ${maximum}` }))

const int64 = (name: string, minimum: bigint, maximum: bigint) =>
  Schema.BigInt.check(Schema.isBetweenBigInt({ minimum, maximum }, { expected: `a ${name}, ${minimum} to ${maximum}` }))

const outside = (name: string, value: unknown, expected: string): never => {
  throw new EncodeError({ message: `${name}: ${String(value)}; must be ${expected}` })
}

const checkInt = (name: string, value: number, minimum: number, maximum: number): void => {
  if (!Number.isInteger(value) || value < minimum || value > maximum) {
    outside(name, value, `an integer from ${minimum} to ${maximum}`)
  }
}

/**
 * One byte, 0 to 255.
 *
 * @since 0.1.0
 * @category operations
 */
export const u8: Codec<number> = {
  schema: int("u8", 0, 0xff),
  minSize: 1,
  write: (writer, value) => {
    checkInt("u8", value, 0, 0xff)
    writer.byte(value)
  },
  read: (reader) => reader.byte(),
}

/**
 * One byte in two's complement, −128 to 127.
 *
 * @since 0.1.0
 * @category operations
 */
export const i8: Codec<number> = {
  schema: int("i8", -0x80, 0x7f),
  minSize: 1,
  write: (writer, value) => {
    checkInt("i8", value, -0x80, 0x7f)
    writer.byte(value)
  },
  read: (reader) => (reader.byte() << 24) >> 24,
}

const unsigned = (bits: 16 | 32): Codec<number> => {
  const name = `u${bits}`
  const maximum = 2 ** bits - 1
  return {
    schema: int(name, 0, maximum),
    minSize: 1,
    write: (writer, value) => {
      checkInt(name, value, 0, maximum)
      writer.varint(value)
    },
    read: (reader) => reader.varint(bits),
  }
}

/** Signed types are zigzag-encoded: 0, −1, 1, −2 … become 0, 1, 2, 3 … */
const signed = (bits: 16 | 32): Codec<number> => {
  const name = `i${bits}`
  const minimum = -(2 ** (bits - 1))
  const maximum = 2 ** (bits - 1) - 1
  return {
    schema: int(name, minimum, maximum),
    minSize: 1,
    write: (writer, value) => {
      checkInt(name, value, minimum, maximum)
      writer.varint(value < 0 ? -2 * value - 1 : 2 * value)
    },
    read: (reader) => {
      const zigzag = reader.varint(bits)
      return (zigzag >>> 1) ^ -(zigzag & 1)
    },
  }
}

/**
 * A varint of at most 3 bytes, 0 to 2^16 − 1.
 *
 * @since 0.1.0
 * @category operations
 */
export const u16: Codec<number> = unsigned(16)
/**
 * A varint of at most 5 bytes, 0 to 2^32 − 1.
 *
 * @since 0.1.0
 * @category operations
 */
export const u32: Codec<number> = unsigned(32)
/**
 * A zigzag varint of at most 3 bytes.
 *
 * @since 0.1.0
 * @category operations
 */
export const i16: Codec<number> = signed(16)
/**
 * A zigzag varint of at most 5 bytes.
 *
 * @since 0.1.0
 * @category operations
 */
export const i32: Codec<number> = signed(32)

const MAX_U64 = 2n ** 64n - 1n
const MIN_I64 = -(2n ** 63n)
const MAX_I64 = 2n ** 63n - 1n

/**
 * A varint of at most 10 bytes, 0 to 2^64 − 1, exact.
 *
 * @since 0.1.0
 * @category encoding
 */
export const u64: Codec<bigint> = {
  schema: int64("u64", 0n, MAX_U64),
  minSize: 1,
  write: (writer, value) => {
    if (value < 0n || value > MAX_U64) outside("u64", value, "an integer from 0 to 2^64 - 1")
    writer.varint64(value)
  },
  read: (reader) => reader.varint64(),
}

/**
 * A zigzag varint of at most 10 bytes, −2^63 to 2^63 − 1, exact.
 *
 * @since 0.1.0
 * @category operations
 */
export const i64: Codec<bigint> = {
  schema: int64("i64", MIN_I64, MAX_I64),
  minSize: 1,
  write: (writer, value) => {
    if (value < MIN_I64 || value > MAX_I64) outside("i64", value, "an integer from -2^63 to 2^63 - 1")
    writer.varint64(value < 0n ? -2n * value - 1n : 2n * value)
  },
  read: (reader) => {
    const zigzag = reader.varint64()
    return (zigzag >> 1n) ^ -(zigzag & 1n)
  },
}

/**
 * 8 bytes, IEEE 754, little-endian.
 *
 * @since 0.1.0
 * @category operations
 */
export const f64: Codec<number> = {
  schema: Schema.Number,
  minSize: 8,
  write: (writer, value) => writer.float64(value),
  read: (reader) => reader.float64(),
}

/**
 * One byte, 0 or 1; any other is refused.
 *
 * @since 0.1.0
 * @category operations
 */
export const bool: Codec<boolean> = {
  schema: Schema.Boolean,
  minSize: 1,
  write: (writer, value) => writer.byte(value ? 1 : 0),
  read: (reader) => {
    const value = reader.byte()
    return value === 0 ? false : value === 1 ? true : reader.fail(`a bool of ${value}; must be 0 or 1`)
  },
}

/**
 * No bytes: Rust's `()` and unit structs.
 *
 * @since 0.1.0
 * @category operations
 */
export const unit: Codec<void> = {
  schema: Schema.Void,
  minSize: 0,
  write: () => {},
  read: () => undefined,
}

/**
 * A length and that many bytes.
 *
 * @since 0.1.0
 * @category encoding
 */
export const bytes: Codec<Uint8Array> = {
  schema: Schema.Uint8Array,
  minSize: 1,
  write: (writer, value) => {
    writer.varint(value.length)
    writer.bytes(value)
  },
  read: (reader) => reader.bytes(reader.length(1)),
}

/**
 * Exactly `length` bytes without a length prefix: Rust's `[u8; N]`.
 *
 * @since 0.1.0
 * @category operations
 */
export const fixedBytes = (length: number): Codec<Uint8Array> => ({
  schema: Schema.Uint8Array.check(
    Schema.makeFilter((value: Uint8Array) => value.length === length || `${value.length} bytes; must be ${length}`),
  ),
  minSize: length,
  write: (writer, value) => {
    if (value.length !== length) outside("bytes", `${value.length} bytes`, `${length} bytes`)
    writer.bytes(value)
  },
  read: (reader) => reader.bytes(length),
})

const UTF8_ENCODER = new TextEncoder()
const UTF8_DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/**
 * A length in bytes and that many bytes of UTF-8. A string with a lone surrogate has no UTF-8 form and is refused.
 *
 * @since 0.1.0
 * @category operations
 */
export const string: Codec<string> = {
  schema: Schema.String.check(
    Schema.makeFilter((value: string) => value.isWellFormed() || "a string without a lone surrogate"),
  ),
  minSize: 1,
  write: (writer, value) => {
    if (!value.isWellFormed()) outside("string", "a lone surrogate", "well-formed UTF-16")
    const utf8 = UTF8_ENCODER.encode(value)
    writer.varint(utf8.length)
    writer.bytes(utf8)
  },
  read: (reader) => {
    const utf8 = reader.view(reader.length(1))
    try {
      return UTF8_DECODER.decode(utf8)
    } catch {
      return reader.fail("a string whose bytes are not valid UTF-8")
    }
  },
}
