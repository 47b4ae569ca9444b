/** Reads published test vectors: JSON files, each of which names its source and licence. */
import { readFileSync } from "node:fs"
import { Schema } from "effect"

/** Reads files of the folder `vectors/published` beside the module whose `import.meta.url` is given. */
export const publishedBeside =
  (moduleUrl: string) =>
  <A, I>(file: string, cases: Schema.Codec<A, I>): A =>
    Schema.decodeUnknownSync(cases)(JSON.parse(readFileSync(new URL(`./vectors/published/${file}`, moduleUrl), "utf8")))

/** Bytes that a vector has as hex text. */
export const Hex = Schema.Uint8ArrayFromHex
