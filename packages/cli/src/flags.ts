/** The options that several commands share, with the rule each value must keep. */
import { Schema } from "effect"
import { Flag } from "effect/cli"

const Port = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65_535 }, { expected: "a port, 0 to 65535" }))

export const port = (description: string, fallback: number) =>
  Flag.Int("port").pipe(Flag.withSchema(Port), Flag.withDescription(description), Flag.withDefault(fallback))

/** An integer option with a lowest and a highest value. */
export const integer = (name: string, description: string, minimum: number, maximum: number) =>
  Flag.Int(name).pipe(
    Flag.withSchema(
      Schema.Int.check(
        Schema.isBetween({ minimum, maximum }, { expected: `an integer from ${minimum} to ${maximum}` }),
      ),
    ),
    Flag.withDescription(description),
  )

/** Text of at least one character. */
export const text = (name: string, description: string) =>
  Flag.String(name).pipe(
    Flag.withSchema(Schema.String.check(Schema.isNonEmpty({ expected: "a text of at least one character" }))),
    Flag.withDescription(description),
  )
