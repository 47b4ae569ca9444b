/**
 * Lengths of time as options take them: any input of Effect's Duration, or text from the environment and from files. Shared by
 * the options of all packages, so that each reads and shows the same forms. It knows no option.
 */
import { Duration, Option, Schema, SchemaGetter } from "effect"

/**
 * No timer is longer: Node.js limits a timer to 2^31 - 1 ms, about 24.8 days.
 *
 * @since 0.1.0
 * @category constants
 */
export const LONGEST_TIMER: Duration.Duration = Duration.days(24)

/**
 * A Duration from any `Duration.Input` that is finite and complete: NaN, `{}` and an object with an unknown unit are refused,
 * which `Duration.fromInput` would read as zero. A number, and text without a unit, counts milliseconds.
 *
 * @since 0.1.0
 * @category schemas
 */
export const DurationFromInput: Schema.Codec<Duration.Duration, Duration.Input> = Schema.declare(
  (input: unknown): input is Duration.Input => parse(input) !== undefined,
  { expected: 'a duration such as "5 seconds" or 1500, which are milliseconds' },
).pipe(
  Schema.decodeTo(Schema.Duration, {
    decode: SchemaGetter.transform((input: Duration.Input) => parse(input) ?? Duration.zero),
    encode: SchemaGetter.transform((value: Duration.Duration): Duration.Input => value),
  }),
)

/**
 * {@link DurationFromInput} as a number of milliseconds.
 *
 * @since 0.1.0
 * @category schemas
 */
export const MillisFromInput: Schema.Codec<number, Duration.Input> = DurationFromInput.pipe(
  Schema.decodeTo(Schema.Finite, {
    decode: SchemaGetter.transform((value: Duration.Duration) => Duration.toMillis(value)),
    encode: SchemaGetter.transform((millis: number) => Duration.millis(millis)),
  }),
)

const parse = (input: unknown): Duration.Duration | undefined => {
  if (Number.isNaN(input) || !isComplete(input)) return undefined
  if (typeof input === "string" && /^\s*\d+(\.\d+)?\s*$/.test(input)) return Duration.millis(Number(input))
  // Duration.fromInput returns None for every value that is not an input, although its type accepts inputs only.
  const value = Duration.fromInput(input as Duration.Input)
  return Option.isSome(value) && Duration.isFinite(value.value) ? value.value : undefined
}

const isComplete = (input: unknown): boolean => {
  if (typeof input !== "object" || input === null || Duration.isDuration(input)) return true
  if (Array.isArray(input)) return input.every(Number.isFinite)
  const given = UNITS.map((unit) => Reflect.get(input, unit)).filter((value) => value !== undefined)
  return given.length > 0 && given.every(Number.isFinite) && Object.keys(input).every((key) => UNITS.includes(key))
}

const UNITS: ReadonlyArray<string> = [
  "weeks",
  "days",
  "hours",
  "minutes",
  "seconds",
  "milliseconds",
  "microseconds",
  "nanoseconds",
]

const SHOWN_UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
] as const

/**
 * The duration in the largest unit that gives a short number: 1500 ms is "1.5 s".
 *
 * @since 0.1.0
 * @category operations
 */
export const showDuration = (value: Duration.Duration): string => {
  const ms = Duration.toMillis(value)
  for (const [unit, length] of SHOWN_UNITS) {
    if (ms >= length && Number.isInteger((ms * 10) / length)) return `${ms / length} ${unit}`
  }
  return `${ms} ms`
}
