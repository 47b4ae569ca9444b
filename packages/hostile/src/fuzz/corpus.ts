/** The saved corpora: one file a decoder, one input a line, in hex. Small: inputs that each do something that the others do not. */
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

/** Inputs in one file, and bytes of an input. */
const MAX_INPUTS = 80
const MAX_BYTES = 1_200

const pathOf = (decoder: string): string => fileURLToPath(new URL(`../../corpus/${decoder}.hex`, import.meta.url))

export const readCorpus = (decoder: string): ReadonlyArray<Uint8Array> => {
  const path = pathOf(decoder)
  if (!existsSync(path)) return []
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => Uint8Array.from(Buffer.from(line, "hex")))
}

/** Adds inputs, the shortest first, as long as there is room. Returns how many were added. */
export const addToCorpus = (decoder: string, inputs: ReadonlyArray<Uint8Array>): number => {
  const known = readCorpus(decoder).map((bytes) => Buffer.from(bytes).toString("hex"))
  const fresh = inputs
    .filter(({ length }) => length > 0 && length <= MAX_BYTES)
    .sort((a, b) => a.length - b.length)
    .map((bytes) => Buffer.from(bytes).toString("hex"))
    .filter((hex) => !known.includes(hex))
    .slice(0, Math.max(0, MAX_INPUTS - known.length))
  if (fresh.length > 0) writeFileSync(pathOf(decoder), `${[...known, ...fresh].join("\n")}\n`)
  return fresh.length
}
