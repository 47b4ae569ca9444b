/** The shape of a decoder under test. */
import type { Protocol } from "@topic-tracker/gossip"

/** The outcome of one input. `kind`: a short name of what happened; a new kind makes the input worth keeping. */
export type Decoded =
  | { readonly _tag: "value"; readonly kind: string; readonly again?: () => string | undefined }
  | { readonly _tag: "refused"; readonly kind: string }

export interface Decoder {
  readonly name: string
  /** What decodes. */
  readonly about: string
  /** The part of the cases that is run: less for decoders that do public-key arithmetic. Default: 1. */
  readonly part?: number
  /** A valid input, from a value drawn at random. It must decode. */
  readonly generate: (rng: Protocol.Rng) => Uint8Array
  /**
   * Decodes the input. It throws only if there is a bug. `again` of a value checks the round trip, and gives what is wrong.
   */
  readonly decode: (bytes: Uint8Array) => Decoded
  /** A last change of a mutant, for formats with a checksum. */
  readonly repair?: (bytes: Uint8Array) => Uint8Array
}

/** The message of a refusal without the numbers and names in it. */
export const kindOfMessage = (message: string): string =>
  message
    .replace(/[0-9a-f]{16,}/g, "#")
    .replace(/\d+/g, "#")
    .slice(0, 80)

/** A length in a kind: its number of bits. */
export const magnitude = (length: number): number => 32 - Math.clz32(length)

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0
