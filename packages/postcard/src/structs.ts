/**
 * Codecs of Rust's structs, tuples and enums. The order of an object's keys is the order of the bytes: the keys of a struct are
 * its fields and the keys of a tagged union its variants, in order of declaration.
 * Source: the postcard wire format, https://postcard.jamesmunns.com/wire-format ("tagged unions")
 */
import { Schema, type Types } from "effect"
import { type Codec, EncodeError, type Type } from "./Codec.ts"

/**
 * Codecs by field name.
 *
 * @since 0.1.0
 * @category models
 */
export type Fields = Readonly<Record<string, Codec<unknown>>>

/**
 * The value of a struct with these fields.
 *
 * @since 0.1.0
 * @category models
 */
export type StructType<F extends Fields> = { readonly [K in keyof F]: Type<F[K]> }

/**
 * The fields one after the other, in the order of the object's keys: Rust's `struct`.
 *
 * @since 0.1.0
 * @category operations
 */
export const struct = <const F extends Fields>(fields: F): Codec<StructType<F>> => {
  const keys = fieldNames(fields)
  const codecs = keys.map((key) => fields[key]!)
  return {
    schema: Schema.make<Schema.Schema<StructType<F>>>(Schema.Struct(schemas(fields)).ast),
    minSize: minSize(codecs),
    write: (writer, value) => {
      for (let i = 0; i < keys.length; i++) codecs[i]!.write(writer, value[keys[i]!])
    },
    read: (reader) => {
      const value: Record<string, unknown> = {}
      for (let i = 0; i < keys.length; i++) value[keys[i]!] = codecs[i]!.read(reader)
      return value as StructType<F>
    },
  }
}

/**
 * The elements one after the other: Rust's tuples and tuple structs.
 *
 * @since 0.1.0
 * @category operations
 */
export const tuple = <const C extends ReadonlyArray<Codec<unknown>>>(
  ...codecs: C
): Codec<{ readonly [I in keyof C]: Type<C[I]> }> => ({
  schema: Schema.make<Schema.Schema<{ readonly [I in keyof C]: Type<C[I]> }>>(
    Schema.Tuple(codecs.map((codec) => codec.schema)).ast,
  ),
  minSize: minSize(codecs),
  write: (writer, value) => {
    for (let i = 0; i < codecs.length; i++) codecs[i]!.write(writer, value[i])
  },
  read: (reader) => {
    const value: Array<unknown> = []
    for (let i = 0; i < codecs.length; i++) value.push(codecs[i]!.read(reader))
    return value as { readonly [I in keyof C]: Type<C[I]> }
  },
})

/**
 * Fields by variant name.
 *
 * @since 0.1.0
 * @category models
 */
export type Variants = Readonly<Record<string, Fields>>

/**
 * The value of a tagged union: `_tag` is the name of the variant, its fields are next to it.
 *
 * @since 0.1.0
 * @category models
 */
export type TaggedUnionType<V extends Variants> = {
  readonly [Tag in keyof V]: Types.Simplify<{ readonly _tag: Tag } & StructType<V[Tag]>>
}[keyof V]

/**
 * The variant's index as a u32 varint, then its fields: Rust's `enum`. The object's keys are the variants in order of
 * declaration, from index 0. A unit variant is `{}`; a newtype or tuple variant gives its elements names.
 *
 * @since 0.1.0
 * @category operations
 */
export const taggedUnion = <const V extends Variants>(variants: V): Codec<TaggedUnionType<V>> => {
  const tags = fieldNames(variants)
  const indices = new Map(tags.map((tag, index) => [tag, index]))
  const keys = tags.map((tag) => fieldNames(variants[tag]!))
  const codecs = tags.map((tag, index) => keys[index]!.map((key) => variants[tag]![key]!))
  const members = tags.map((tag) => Schema.TaggedStruct(tag, schemas(variants[tag]!)))
  return {
    schema: Schema.make<Schema.Schema<TaggedUnionType<V>>>(Schema.Union(members).ast),
    minSize: 1 + Math.min(...codecs.map(minSize)),
    write: (writer, value) => {
      const source = value as Readonly<Record<string, unknown>>
      const index = indices.get(source._tag as string)
      if (index === undefined) {
        throw new EncodeError({ message: `_tag: ${String(source._tag)}; must be one of ${tags.join(", ")}` })
      }
      writer.varint(index)
      const variantKeys = keys[index]!
      const variantCodecs = codecs[index]!
      for (let i = 0; i < variantKeys.length; i++) variantCodecs[i]!.write(writer, source[variantKeys[i]!])
    },
    read: (reader) => {
      const index = reader.varint(32)
      const variantKeys = keys[index]
      if (variantKeys === undefined) return reader.fail(`variant ${index}; must be below ${tags.length}`)
      const variantCodecs = codecs[index]!
      const value: Record<string, unknown> = { _tag: tags[index]! }
      for (let i = 0; i < variantKeys.length; i++) value[variantKeys[i]!] = variantCodecs[i]!.read(reader)
      return value as TaggedUnionType<V>
    },
  }
}

/**
 * An enum with unit variants only, as string literals in order of declaration.
 *
 * @since 0.1.0
 * @category operations
 */
export const literals = <const L extends ReadonlyArray<string>>(...names: L): Codec<L[number]> => ({
  schema: Schema.Literals(names),
  minSize: 1,
  write: (writer, value) => {
    const index = names.indexOf(value)
    if (index < 0) throw new EncodeError({ message: `variant: ${value}; must be one of ${names.join(", ")}` })
    writer.varint(index)
  },
  read: (reader) => {
    const index = reader.varint(32)
    return names[index] ?? reader.fail(`variant ${index}; must be below ${names.length}`)
  },
})

/** The keys in order of insertion. Integer-like keys are refused: JavaScript moves them to the front. */
const fieldNames = (fields: Readonly<Record<string, unknown>>): Array<string> => {
  const names = Object.keys(fields)
  for (const name of names) {
    if (/^\d+$/.test(name) || name === "_tag")
      throw new RangeError(`field: ${name}; must be a name that is not a number and not _tag`)
  }
  return names
}

const schemas = (fields: Fields): Record<string, Schema.Top> =>
  Object.fromEntries(Object.entries(fields).map(([key, codec]) => [key, codec.schema]))

const minSize = (codecs: ReadonlyArray<Codec<unknown>>): number => codecs.reduce((sum, codec) => sum + codec.minSize, 0)
