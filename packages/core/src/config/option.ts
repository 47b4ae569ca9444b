/**
 * What one configuration option is: its default, what its value may be, and how it is read from code or from text. All that
 * a configuration needs (type, defaults, checks, reader, table) follows from such descriptors.
 */
import { type DhtAddress, DhtConfig } from "@topic-tracker/dht"
import { isRelayUrl } from "@topic-tracker/gossip"
import { Duration } from "effect"

export interface ConfigOption<A, I = A> {
  readonly default: A
  /** What the value may be, to follow "expected". */
  readonly expected: string
  /** The same in a few words, for the table of options. */
  readonly range: string
  /** One sentence for the table of options. */
  readonly about: string
  /** The value that code or text stands for; undefined when it is none. */
  readonly parse: (input: unknown) => A | undefined
  /** The value as the table and error messages show it. */
  readonly show: (value: A) => string
  /** Carries the type of what code may give; there is no such value. */
  readonly Input?: I
}

/** The value's type. */
export type ValueOf<O> = O extends ConfigOption<infer A, infer _I> ? A : never
/** What code may give for it. */
export type InputOf<O> = O extends ConfigOption<infer _A, infer I> ? I : never

/** No timer of the library is longer: JavaScript's own end at 2^31 − 1 ms, some 24.8 days. */
const LONGEST = Duration.days(24)

const durationOption = (
  accepts: (value: Duration.Duration) => boolean,
  range: string,
  standard: Duration.Input,
  about: string,
): ConfigOption<Duration.Duration, Duration.Input> => ({
  default: Duration.fromInputUnsafe(standard),
  expected: `a duration (${range}, at most 24 days) such as "5 seconds" or 1500, which are milliseconds`,
  range,
  about,
  parse: (input) => {
    const value = parseDuration(input)
    return value !== undefined && Duration.isLessThanOrEqualTo(value, LONGEST) && accepts(value) ? value : undefined
  },
  show: showDuration,
})

/** A length of time that must pass: zero is refused. Numbers count milliseconds; text has a unit ("1500 millis", "5 seconds"). */
export const positiveDuration = (standard: Duration.Input, about: string) =>
  durationOption((value) => Duration.toNanosUnsafe(value) > 0n, "above 0", standard, about)

/** As {@link positiveDuration}; zero means that nothing is waited for. */
export const duration = (standard: Duration.Input, about: string) =>
  durationOption((value) => Duration.toNanosUnsafe(value) >= 0n, "0 or more", standard, about)

/** A whole number within bounds, both included. */
export const integer = (
  standard: number,
  range: { readonly min: number; readonly max: number },
  about: string,
): ConfigOption<number> => ({
  default: standard,
  expected: `a whole number from ${range.min} to ${range.max}`,
  range: `${range.min} to ${range.max}`,
  about,
  parse: (input) => {
    const value = parseNumber(input)
    return Number.isInteger(value) && value >= range.min && value <= range.max ? value : undefined
  },
  show: String,
})

const YES = ["true", "yes", "on", "1"]
const NO = ["false", "no", "off", "0"]

/** On or off. */
export const boolean = (standard: boolean, about: string): ConfigOption<boolean> => ({
  default: standard,
  expected: "true or false",
  range: "true, false",
  about,
  parse: (input) => {
    if (typeof input === "boolean") return input
    if (typeof input !== "string") return undefined
    const text = input.trim().toLowerCase()
    return YES.includes(text) ? true : NO.includes(text) ? false : undefined
  },
  show: String,
})

/** One of a few words. */
export const literal = <const L extends string>(
  standard: NoInfer<L>,
  allowed: ReadonlyArray<L>,
  about: string,
): ConfigOption<L> => ({
  default: standard,
  expected: allowed.map((word) => `"${word}"`).join(" or "),
  range: allowed.join(", "),
  about,
  parse: (input) => allowed.find((word) => word === input),
  show: (value) => value,
})

/** A list of DHT nodes; text separates them by commas. Empty text is an empty list. */
export const addresses = (
  standard: ReadonlyArray<DhtAddress>,
  about: string,
): ConfigOption<ReadonlyArray<DhtAddress>, ReadonlyArray<DhtAddress | string> | string> => ({
  default: standard,
  expected:
    'a list of HOST:PORT such as "127.0.0.1:6881,router.example.org:6881", IPv4 or names, ports from 1 to 65535',
  range: "HOST:PORT, …",
  about,
  parse: (input) => {
    const parsed = listOf(input)?.map(parseAddress)
    return parsed?.every((address) => address !== undefined) ? parsed : undefined
  },
  show: (value) => (value.length === 0 ? "none" : value.map(({ host, port }) => `${host}:${port}`).join(",")),
})

/** A list of relays; text separates them by commas. Empty text is an empty list. */
export const relayUrls = (about: string): ConfigOption<ReadonlyArray<string>, ReadonlyArray<string> | string> => ({
  default: [],
  expected: 'a list of http or https URLs such as "https://relay.example.org"',
  range: "URL, …",
  about,
  parse: (input) => {
    const items = listOf(input)
    return items?.every((item): item is string => typeof item === "string" && isRelayUrl(item)) ? items : undefined
  },
  show: (value) => (value.length === 0 ? "none" : value.join(",")),
})

/** An IPv4 address of this host; the empty text leaves the choice to the library. */
export const localHost = (about: string): ConfigOption<string> => ({
  default: "",
  expected: 'an IPv4 address of this host such as "127.0.0.1", or "" for the automatic choice',
  range: "IPv4 address",
  about,
  parse: (input) => {
    if (input === "") return ""
    // A host that is all digits and dots is an address or none at all.
    if (typeof input !== "string" || !/^[\d.]+$/.test(input)) return undefined
    return DhtConfig.parseAddress(`${input}:1`)?.host
  },
  show: (value) => (value === "" ? "automatic" : value),
})

/** A file's path; the empty text means none. */
export const path = (about: string): ConfigOption<string> => ({
  default: "",
  expected: 'the path of a file, or "" for none',
  range: "path",
  about,
  parse: (input) => (typeof input === "string" && !input.includes("\0") ? input : undefined),
  show: (value) => (value === "" ? "none" : value),
})

const parseDuration = (input: unknown): Duration.Duration | undefined => {
  if (Number.isNaN(input) || !isWholeDuration(input)) return undefined
  if (typeof input === "string" && /^\s*\d+(\.\d+)?\s*$/.test(input)) return Duration.millis(Number(input))
  const value = Duration.fromInput(input as Duration.Input)
  return value._tag === "Some" && Duration.isFinite(value.value) ? value.value : undefined
}

/** Of objects and pairs Effect takes what it understands, and makes zero of those in which that is nothing. */
const isWholeDuration = (input: unknown): boolean => {
  if (typeof input !== "object" || input === null || Duration.isDuration(input)) return true
  if (Array.isArray(input)) return input.every(Number.isFinite)
  const given = DURATION_PARTS.map((part) => Reflect.get(input, part)).filter((value) => value !== undefined)
  return (
    given.length > 0 && given.every(Number.isFinite) && Object.keys(input).every((key) => DURATION_PARTS.includes(key))
  )
}

const DURATION_PARTS: ReadonlyArray<string> = [
  "weeks",
  "days",
  "hours",
  "minutes",
  "seconds",
  "milliseconds",
  "microseconds",
  "nanoseconds",
]

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
] as const

/** In the largest unit that gives a short number: 1500 ms is "1.5 s". */
export const showDuration = (value: Duration.Duration): string => {
  const ms = Duration.toMillis(value)
  for (const [unit, length] of UNITS) {
    if (ms >= length && Number.isInteger((ms * 10) / length)) return `${ms / length} ${unit}`
  }
  return `${ms} ms`
}

const parseNumber = (input: unknown): number => {
  if (typeof input === "number") return input
  return typeof input === "string" && input.trim() !== "" ? Number(input) : Number.NaN
}

/** What a list, or text that separates its items by commas, has in it. */
const listOf = (input: unknown): ReadonlyArray<unknown> | undefined => {
  if (typeof input !== "string") return Array.isArray(input) ? input : undefined
  return input
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "")
}

const parseAddress = (input: unknown): DhtAddress | undefined => {
  if (typeof input === "string") return DhtConfig.parseAddress(input)
  if (typeof input !== "object" || input === null || !("host" in input) || !("port" in input)) return undefined
  return DhtConfig.parseAddress(`${input.host}:${input.port}`)
}
