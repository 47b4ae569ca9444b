/**
 * The kinds of values that options have, as Schema codecs. A codec's input is what code gives, or its text from the environment
 * or a file; its output is the checked value. Each codec carries the annotations that messages, the documentation and the
 * generated types need ({@link Notes}). It knows no option.
 */
import { DurationFromInput, LONGEST_TIMER, showDuration } from "@topic-tracker/common"
import { fromHex, toHex } from "@topic-tracker/common/Bytes"
import { type DhtAddress, DhtConfig, type DhtNode } from "@topic-tracker/dht"
import { isRelayUrl } from "@topic-tracker/gossip"
import { Duration, Effect, Schema, SchemaGetter, SchemaTransformation } from "effect"

/** Annotations of an option, in addition to Schema's own `description`, `default` and `expected` (to follow the word "expected"). */
export interface Notes {
  readonly expected: string
  /** The allowed values, in a few words: the column "Allowed" of the documentation. */
  readonly allowed: string
  /** The default as the documentation shows it. */
  readonly defaultText: string
  /** The TypeScript type of the value, and of what code may give for it. */
  readonly valueType: string
  readonly inputType: string
}

/** An option: absent or undefined means its default. */
export type OptionSchema<A, I> = Schema.withDecodingDefaultType<Schema.Codec<A, I>>

const option = <A, I>(schema: Schema.Codec<A, I>, standard: A, description: string, notes: Notes): OptionSchema<A, I> =>
  Schema.withDecodingDefaultType<Schema.Codec<A, I>>(Effect.succeed(standard))(schema).annotate({
    ...notes,
    description,
    default: standard,
  })

const durationOption = (
  accepts: (value: Duration.Duration) => boolean,
  allowed: string,
  input: Duration.Input,
  description: string,
) => {
  const standard = Duration.fromInputUnsafe(input)
  const isAllowed = (value: Duration.Duration) => accepts(value) && Duration.isLessThanOrEqualTo(value, LONGEST_TIMER)
  return option(DurationFromInput.check(Schema.makeFilter(isAllowed)), standard, description, {
    expected: `a duration (${allowed}, at most 24 days) such as "5 seconds" or 1500, which are milliseconds`,
    allowed,
    defaultText: showDuration(standard),
    valueType: "Duration.Duration",
    inputType: "Duration.Input",
  })
}

/** A duration above zero. */
export const positiveDuration = (standard: Duration.Input, description: string) =>
  durationOption(Duration.isPositive, "above 0", standard, description)

/** A duration of zero or more. */
export const duration = (standard: Duration.Input, description: string) =>
  durationOption((value) => !Duration.isNegative(value), "0 or more", standard, description)

const IntegerFromText = Schema.String.check(Schema.isPattern(/^\s*-?\d+\s*$/)).pipe(
  Schema.decodeTo(Schema.Number, SchemaTransformation.numberFromString),
)

/** A whole number within bounds, both included. */
export const integer = (standard: number, range: { readonly min: number; readonly max: number }, description: string) =>
  option(
    Schema.Union([Schema.Number, IntegerFromText]).check(
      Schema.isInt(),
      Schema.isBetween({ minimum: range.min, maximum: range.max }),
    ),
    standard,
    description,
    {
      expected: `a whole number from ${range.min} to ${range.max}`,
      allowed: `${range.min} to ${range.max}`,
      defaultText: String(standard),
      valueType: "number",
      inputType: "number",
    },
  )

const YES = ["true", "yes", "on", "1"]
const NO = ["false", "no", "off", "0"]

const BooleanFromText = Schema.String.pipe(
  Schema.decode(SchemaTransformation.trim()),
  Schema.decode(SchemaTransformation.toLowerCase()),
  Schema.check(Schema.makeFilter((text) => YES.includes(text) || NO.includes(text))),
  Schema.decodeTo(Schema.Boolean, {
    decode: SchemaGetter.transform((text: string) => YES.includes(text)),
    encode: SchemaGetter.transform(String),
  }),
)

/** On or off; as text also yes, no, 1, 0. */
export const boolean = (standard: boolean, description: string) =>
  option(Schema.Union([Schema.Boolean, BooleanFromText]), standard, description, {
    expected: "true or false",
    allowed: "true, false",
    defaultText: String(standard),
    valueType: "boolean",
    inputType: "boolean",
  })

/** One of a few words. */
export const literal = <const L extends string>(
  standard: NoInfer<L>,
  words: ReadonlyArray<L>,
  description: string,
): OptionSchema<L, L> => {
  const union = words.map((word) => `"${word}"`).join(" | ")
  return option<L, L>(Schema.Literals(words), standard, description, {
    expected: words.map((word) => `"${word}"`).join(" or "),
    allowed: words.join(", "),
    defaultText: standard,
    valueType: union,
    inputType: union,
  })
}

/** Text that separates its items by commas; empty text has none. */
const ItemsFromText = Schema.String.pipe(
  Schema.decodeTo(Schema.Array(Schema.String), {
    decode: SchemaGetter.transform((text: string) =>
      text
        .split(",")
        .map((item) => item.trim())
        .filter((item) => item !== ""),
    ),
    encode: SchemaGetter.transform((items: ReadonlyArray<string>) => items.join(",")),
  }),
)

const listOf = <A, I>(item: Schema.Codec<A, I>, fromText: Schema.Codec<A, string>) =>
  Schema.Union([ItemsFromText.pipe(Schema.decodeTo(Schema.Array(fromText))), Schema.Array(item)])

const PortInput = Schema.Union([Schema.Int, IntegerFromText])

const AddressFromParts = Schema.Struct({ host: Schema.String, port: PortInput }).pipe(
  Schema.decodeTo(DhtConfig.AddressFromString, {
    decode: SchemaGetter.transform(({ host, port }: DhtAddress) => `${host}:${port}`),
    encode: SchemaGetter.transform((text: string) => DhtConfig.parseAddress(text) ?? { host: "", port: 0 }),
  }),
)

const AddressFromInput = Schema.Union([DhtConfig.AddressFromString, AddressFromParts])

/** A list of DHT nodes, HOST:PORT. */
export const addresses = (description: string) =>
  option<ReadonlyArray<DhtAddress>, string | ReadonlyArray<string | DhtAddressInput>>(
    listOf(AddressFromInput, DhtConfig.AddressFromString),
    [],
    description,
    {
      expected:
        'a list of HOST:PORT such as "127.0.0.1:6881,router.example.org:6881", IPv4 or names, ports from 1 to 65535',
      allowed: "HOST:PORT, …",
      defaultText: "none",
      valueType: "ReadonlyArray<DhtAddress>",
      inputType: "ReadonlyArray<DhtAddress | string> | string",
    },
  )

/** As files give it: a port may be text. */
export interface DhtAddressInput {
  readonly host: string
  readonly port: number | string
}

const NodeFromText = Schema.String.pipe(
  Schema.decodeTo(DhtConfig.KnownNode, {
    decode: SchemaGetter.transform((text: string) => {
      const [, hex = "", address = ""] = /^([0-9a-fA-F]{40})@(.*)$/.exec(text) ?? []
      // A node that is not complete fails the check of its id.
      return { id: fromHex(hex), ...(DhtConfig.parseAddress(address) ?? { host: "", port: 1 }) }
    }),
    encode: SchemaGetter.transform(({ host, id, port }: DhtNode) => `${toHex(id)}@${host}:${port}`),
  }),
)

/** A list of DHT nodes with their ids. */
export const knownNodes = (description: string) =>
  option<ReadonlyArray<DhtNode>, string | ReadonlyArray<string | DhtNode>>(
    listOf(Schema.Union([NodeFromText, DhtConfig.KnownNode]), NodeFromText),
    [],
    description,
    {
      expected:
        "a list of nodes as Dht.snapshot returns them, or of ID@HOST:PORT with 40 hex digits and an IPv4 address",
      allowed: "ID@HOST:PORT, …",
      defaultText: "none",
      valueType: "ReadonlyArray<DhtNode>",
      inputType: "ReadonlyArray<DhtNode | string> | string",
    },
  )

/** The relays of an endpoint. */
export type Relays = "public" | "none" | ReadonlyArray<string>

const RelayUrl = Schema.String.check(Schema.makeFilter(isRelayUrl))

const RelaysFromInput: Schema.Codec<Relays, string | ReadonlyArray<string>> = Schema.Union([
  Schema.Literals(["public", "none"]),
  listOf(RelayUrl, RelayUrl).pipe(
    Schema.decodeTo(Schema.Union([Schema.Literal("none"), Schema.Array(Schema.String)]), {
      // An empty list names no relay, which is not a wish for the public ones.
      decode: SchemaGetter.transform((urls: ReadonlyArray<string>) => (urls.length === 0 ? ("none" as const) : urls)),
      encode: SchemaGetter.transform((urls: "none" | ReadonlyArray<string>) => (urls === "none" ? [] : urls)),
    }),
  ),
])

/** The public relays, none, or a list of URLs. */
export const relays = (description: string) =>
  option<Relays, string | ReadonlyArray<string>>(RelaysFromInput, "public", description, {
    expected: '"public", "none", or a list of http or https URLs such as "https://relay.example.org"',
    allowed: "public, none, or URL, …",
    defaultText: "public",
    valueType: '"public" | "none" | ReadonlyArray<string>',
    inputType: "ReadonlyArray<string> | string",
  })

/** An IPv4 address of this host; empty text leaves the choice to the library. */
export const localHost = (description: string) => {
  // A host of digits and dots only is an IPv4 address, or invalid.
  const isHost = (text: string) =>
    text === "" || (/^[\d.]+$/.test(text) && DhtConfig.parseAddress(`${text}:1`) !== undefined)
  return option<string, string>(Schema.String.check(Schema.makeFilter(isHost)), "", description, {
    expected: 'an IPv4 address of this host such as "127.0.0.1", or "" for the automatic choice',
    allowed: "IPv4 address",
    defaultText: "automatic",
    valueType: "string",
    inputType: "string",
  })
}

/** The path of a file; empty text means none. */
export const path = (description: string) =>
  option<string, string>(Schema.String.check(Schema.makeFilter((text) => !text.includes("\0"))), "", description, {
    expected: 'the path of a file, or "" for none',
    allowed: "path",
    defaultText: "none",
    valueType: "string",
    inputType: "string",
  })

/** Marks an option of this library that the crate does not have, and whether it belongs to the node or to each topic. */
export const ours = <A, I>(belongsTo: "node" | "topic", schema: OptionSchema<A, I>): OptionSchema<A, I> =>
  schema.annotate({ origin: "ours", belongsTo })
