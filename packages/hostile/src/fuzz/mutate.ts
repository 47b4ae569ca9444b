/**
 * Makes inputs for a decoder: mutations of earlier inputs, as a fuzzer makes them (bits, bytes, lengths, pieces moved and repeated), and bytes
 * at random. All of it follows from a seed.
 */
import type { Protocol } from "@topic-tracker/gossip"

type Rng = Protocol.Rng

/** No input is longer: a datagram and a frame have at most 4 KB. */
export const MAX_INPUT_BYTES = 4_200

/** Bytes at which formats change their mind: ends of ranges, varint groups, characters of bencoding. */
const INTERESTING = [
  0,
  1,
  2,
  3,
  4,
  5,
  31,
  32,
  33,
  63,
  64,
  0x7f,
  0x80,
  0x81,
  0xbf,
  0xc0,
  0xfe,
  0xff,
  ..."0123456789:ildel-e",
].map((value) => (typeof value === "number" ? value : value.charCodeAt(0)))

const TOKENS = [
  "d",
  "l",
  "i",
  "e",
  "ee",
  "i-0e",
  "i9223372036854775808e",
  "0:",
  "00:",
  "9999999999:",
  "d1:ad2:id20:",
  "1:y1:q",
  "__proto__",
]
  .map((text) => new TextEncoder().encode(text))
  .concat([
    Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f),
    Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1),
    Uint8Array.of(0xc0, 12),
  ])

export const randomBytes = (rng: Rng, length: number): Uint8Array => {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i += 4) {
    const word = rng.nextInt(2 ** 32)
    bytes[i] = word
    bytes[i + 1] = word >>> 8
    bytes[i + 2] = word >>> 16
    bytes[i + 3] = word >>> 24
  }
  return bytes
}

export const pick = <A>(rng: Rng, list: ReadonlyArray<A>): A => list[rng.nextInt(list.length)]!

const splice = (bytes: Uint8Array, start: number, removed: number, added: Uint8Array): Uint8Array => {
  const result = new Uint8Array(Math.min(MAX_INPUT_BYTES, bytes.length - removed + added.length))
  result.set(bytes.subarray(0, Math.min(start, result.length)))
  result.set(added.subarray(0, Math.max(0, result.length - start)), Math.min(start, result.length))
  const rest = start + added.length
  if (rest < result.length) result.set(bytes.subarray(start + removed, start + removed + result.length - rest), rest)
  return result
}

/** One change of a copy. */
const once = (rng: Rng, bytes: Uint8Array, other: Uint8Array): Uint8Array => {
  const at = bytes.length === 0 ? 0 : rng.nextInt(bytes.length)
  const length = Math.min(1 + rng.nextInt(1 << rng.nextInt(8)), bytes.length - at)
  switch (rng.nextInt(10)) {
    case 0: {
      const copy = bytes.slice()
      if (copy.length > 0) copy[at]! ^= 1 << rng.nextInt(8)
      return copy
    }
    case 1: {
      const copy = bytes.slice()
      if (copy.length > 0) copy[at] = pick(rng, INTERESTING)
      return copy
    }
    case 2: {
      const copy = bytes.slice()
      if (copy.length > 0) copy[at] = copy[at]! + 1 + rng.nextInt(4) - 3
      return copy
    }
    case 3:
      return splice(bytes, at, 0, randomBytes(rng, 1 + rng.nextInt(8)))
    case 4:
      return splice(bytes, at, length, new Uint8Array(0))
    case 5:
      return splice(bytes, at, 0, bytes.subarray(at, at + length))
    case 6:
      return splice(bytes, at, rng.nextInt(2) * length, pick(rng, TOKENS))
    case 7: {
      const from = other.length === 0 ? 0 : rng.nextInt(other.length)
      return splice(bytes, at, length, other.subarray(from, from + 1 + rng.nextInt(64)))
    }
    case 8:
      return bytes.slice(0, at)
    default:
      // A number in decimal digits or in the bytes before a string, changed as a whole.
      return splice(bytes, at, 1, new TextEncoder().encode(String(rng.nextInt(1 << (1 + rng.nextInt(30))))))
  }
}

/** A mutant of one input, with pieces of another. */
export const mutate = (rng: Rng, bytes: Uint8Array, other: Uint8Array): Uint8Array => {
  let result = bytes
  for (let changes = 1 + rng.nextInt(4); changes > 0; changes--) result = once(rng, result, other)
  return result
}
