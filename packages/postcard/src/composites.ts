/**
 * Codecs that contain other codecs: options, sequences, sets and maps.
 * Source: the postcard wire format, https://postcard.jamesmunns.com/wire-format
 */
import { Option, Schema } from "effect"
import type { Codec } from "./Codec.ts"
import type { Reader } from "./Reader.ts"

const optionTag = (reader: Reader): boolean => {
  const tag = reader.byte()
  return tag === 0 ? false : tag === 1 ? true : reader.fail(`an option tag of ${tag}; must be 0 or 1`)
}

/**
 * One byte 0 for none, or 1 and the value: Rust's `Option<T>`.
 *
 * @since 0.1.0
 * @category operations
 */
export const option = <A>(codec: Codec<A>): Codec<Option.Option<A>> => ({
  schema: Schema.Option(Schema.toType(codec.schema)),
  minSize: 1,
  write: (writer, value) => {
    if (Option.isNone(value)) return writer.byte(0)
    writer.byte(1)
    codec.write(writer, value.value)
  },
  read: (reader) => (optionTag(reader) ? Option.some(codec.read(reader)) : Option.none()),
})

/**
 * The bytes of {@link option}, with `undefined` for none: for plain data in hot paths.
 *
 * @since 0.1.0
 * @category operations
 */
export const undefinedOr = <A>(codec: Codec<A>): Codec<A | undefined> => ({
  schema: Schema.UndefinedOr(codec.schema),
  minSize: 1,
  write: (writer, value) => {
    if (value === undefined) return writer.byte(0)
    writer.byte(1)
    codec.write(writer, value)
  },
  read: (reader) => (optionTag(reader) ? codec.read(reader) : undefined),
})

/** A length prefix can be checked against the input only if each element takes at least one byte. */
const elementSize = (size: number): number => {
  if (size === 0)
    throw new RangeError("codec: the element takes no bytes; the elements of a collection need at least one byte")
  return size
}

/**
 * A length and that many elements: Rust's `Vec<T>`. Throws a RangeError if an element takes no bytes.
 *
 * @since 0.1.0
 * @category operations
 */
export const seq = <A>(codec: Codec<A>): Codec<ReadonlyArray<A>> => {
  const size = elementSize(codec.minSize)
  return {
    schema: Schema.Array(codec.schema),
    minSize: 1,
    write: (writer, value) => {
      writer.varint(value.length)
      for (let i = 0; i < value.length; i++) codec.write(writer, value[i] as A)
    },
    read: (reader) => {
      const length = reader.length(size)
      const value: Array<A> = []
      for (let i = 0; i < length; i++) value.push(codec.read(reader))
      return value
    },
  }
}

/**
 * The bytes of {@link seq} as a Set, in the Set's own order: to match a Rust `BTreeSet`, insert in ascending order. A repeated
 * element counts once, as in Rust. Elements that are objects are distinct by identity.
 *
 * @since 0.1.0
 * @category operations
 */
export const set = <A>(codec: Codec<A>): Codec<ReadonlySet<A>> => {
  const size = elementSize(codec.minSize)
  return {
    schema: Schema.ReadonlySet(Schema.toType(codec.schema)),
    minSize: 1,
    write: (writer, value) => {
      writer.varint(value.size)
      for (const element of value) codec.write(writer, element)
    },
    read: (reader) => {
      const length = reader.length(size)
      const value = new Set<A>()
      for (let i = 0; i < length; i++) value.add(codec.read(reader))
      return value
    },
  }
}

/**
 * A length and that many pairs of key and value, in the Map's own order. The last value of a repeated key counts.
 *
 * @since 0.1.0
 * @category operations
 */
export const map = <K, V>(key: Codec<K>, value: Codec<V>): Codec<ReadonlyMap<K, V>> => {
  const size = elementSize(key.minSize + value.minSize)
  return {
    schema: Schema.ReadonlyMap(Schema.toType(key.schema), Schema.toType(value.schema)),
    minSize: 1,
    write: (writer, entries) => {
      writer.varint(entries.size)
      for (const [k, v] of entries) {
        key.write(writer, k)
        value.write(writer, v)
      }
    },
    read: (reader) => {
      const length = reader.length(size)
      const entries = new Map<K, V>()
      for (let i = 0; i < length; i++) entries.set(key.read(reader), value.read(reader))
      return entries
    },
  }
}
