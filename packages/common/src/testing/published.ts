/** Reads published test vectors: JSON files that contain their source and licence. */
import { readFileSync } from "node:fs"
import { Schema } from "effect"

/**
 * Reads files of the folder `vectors/published` next to the module with this `import.meta.url`.
 *
 * @since 0.1.0
 * @category testing
 */
export const publishedBeside =
  (moduleUrl: string) =>
  <A, I>(file: string, cases: Schema.Codec<A, I>): A =>
    Schema.decodeUnknownSync(cases)(JSON.parse(readFileSync(new URL(`./vectors/published/${file}`, moduleUrl), "utf8")))

/**
 * Bytes as hex text in a vector.
 *
 * @since 0.1.0
 * @category testing
 */
export const Hex = Schema.Uint8ArrayFromHex
