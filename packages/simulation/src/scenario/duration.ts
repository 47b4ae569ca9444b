/**
 * Durations in scenario files, as milliseconds. Two forms: "10ms" or "1s 500ms" (the humantime crate, which iroh-gossip's files
 * use), and serde's `{ secs = 1, nanos = 0 }`, which iroh-gossip's files use in the protocol's tables.
 */
import { Effect, Schema, SchemaIssue, SchemaTransformation } from "effect"

/** Nanoseconds by unit: humantime 2, `duration.rs`. */
const units: Readonly<Record<string, number>> = {
  ...entries(["nsec", "ns"], 1),
  ...entries(["usec", "us", "µs"], 1e3),
  ...entries(["millis", "msec", "ms"], 1e6),
  ...entries(["seconds", "second", "secs", "sec", "s"], 1e9),
  ...entries(["minutes", "minute", "mins", "min", "m"], 60e9),
  ...entries(["hours", "hour", "hrs", "hr", "h"], 3_600e9),
  ...entries(["days", "day", "d"], 86_400e9),
}

function entries(names: ReadonlyArray<string>, nanos: number): Record<string, number> {
  return Object.fromEntries(names.map((name) => [name, nanos]))
}

/** The milliseconds of a text, or undefined if the text is not a duration. */
export const parseMillis = (text: string): number | undefined => {
  let nanos = 0
  let rest = text.trim()
  while (rest !== "") {
    const match = /^(\d+)\s*([a-zµ]+)\s*/.exec(rest)
    const unit = match === null ? undefined : units[match[2]!]
    if (match === null || unit === undefined) return undefined
    nanos += Number(match[1]) * unit
    rest = rest.slice(match[0].length)
  }
  return text.trim() === "" ? undefined : nanos / 1e6
}

const expected = 'a time such as "10ms" or "1s 500ms"'

const Text = Schema.String.pipe(
  Schema.decodeTo(
    Schema.Finite,
    SchemaTransformation.transformEffect({
      decode: (text: string) => {
        const millis = parseMillis(text)
        return millis === undefined
          ? Effect.fail(new SchemaIssue.InvalidValue({ message: `${JSON.stringify(text)} is not ${expected}` }))
          : Effect.succeed(millis)
      },
      encode: (millis: number) => Effect.succeed(`${Math.round(millis * 1e6)}ns`),
    }),
  ),
)

const natural = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

const SecsNanos = Schema.Struct({ secs: natural, nanos: natural }).pipe(
  Schema.decodeTo(
    Schema.Finite,
    SchemaTransformation.transform({
      decode: ({ nanos, secs }) => secs * 1e3 + nanos / 1e6,
      encode: (millis) => ({ secs: Math.floor(millis / 1e3), nanos: Math.round((millis % 1e3) * 1e6) }),
    }),
  ),
)

/** Milliseconds, from text. */
export const Millis = Text

/** Milliseconds, from either form. */
export const MillisOrSecsNanos = Schema.Union([Text, SecsNanos])
