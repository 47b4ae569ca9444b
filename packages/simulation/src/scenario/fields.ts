/** Checks that the tables of both kinds of scenario files share. Each message states what the value may be. */
import { Schema } from "effect"
import { isNot } from "./ConfigError.ts"
import { Millis } from "./duration.ts"

/** An integer with a least and a greatest value. */
export const integer = (minimum: number, maximum: number) => {
  const expected = `an integer from ${minimum} to ${maximum}`
  const isValid = (value: number) => Number.isInteger(value) && value >= minimum && value <= maximum
  return Schema.Number.check(Schema.makeFilter((value: number) => isValid(value) || isNot(value, expected)))
}

/** A number between two others, both included; `expected` describes it in the message. */
export const between = (minimum: number, maximum: number, expected: string) =>
  Schema.Number.check(
    Schema.makeFilter((value: number) => (value >= minimum && value <= maximum) || isNot(value, expected)),
  )

/** A chance below 1: with a loss of 1 nothing could ever happen. */
export const chance = Schema.Number.check(
  Schema.makeFilter((value: number) => (value >= 0 && value < 1) || isNot(value, "a chance, 0 to below 1")),
)

export const share = between(0, 1, "a share, 0 to 1")

export const positiveMillis = Millis.check(Schema.makeFilter((millis: number) => millis > 0 || "must be longer than 0"))

/** The seeds of a file: each scenario runs once with each seed. */
export const Seeds = Schema.NonEmptyArray(
  Schema.Union([Schema.Int, Schema.BigInt]).check(
    Schema.makeFilter((seed: number | bigint) => seed >= 0 || isNot(seed, "a seed, 0 to 2^63 - 1")),
  ),
)
