/** Reads the vectors that the packages keep with their tests. */
import { readFileSync } from "node:fs"
import { parseJson } from "../../src/vectors/VectorReport.ts"

/** The parsed JSON of a file, given by its path below `packages/`. */
export const vectorsOf = (file: string): unknown =>
  parseJson(readFileSync(new URL(`../../../${file}`, import.meta.url), "utf8"))
