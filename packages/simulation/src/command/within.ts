/** A number option of a measuring command, with a least and a greatest value. */
import { Schema } from "effect"
import { Flag } from "effect/cli"

export const within = (flag: Flag.Flag<number>, from: number, to: number) =>
  flag.pipe(Flag.withSchema(Schema.Number.check(Schema.isBetween({ minimum: from, maximum: to }))))
