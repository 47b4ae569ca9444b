/** Reads the published test vectors; each file names its source and licence. */
import { readFileSync } from "node:fs"
import { Schema } from "effect"

export const published = <A, I>(file: string, cases: Schema.Codec<A, I>): A =>
  Schema.decodeUnknownSync(cases)(
    JSON.parse(readFileSync(new URL(`./vectors/published/${file}`, import.meta.url), "utf8")),
  )
