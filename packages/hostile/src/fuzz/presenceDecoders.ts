/** Decoders of presence: the whispers between neighbours, and the bodies of its notes. */
import { Note } from "@topic-tracker/crypto/members"
import type { Protocol } from "@topic-tracker/gossip"
import {
  decodeHere,
  decodeSuspect,
  decodeWhisper,
  encodeHere,
  encodeSuspect,
  encodeWhisper,
  type Whisper,
} from "@topic-tracker/presence/wire"
import { type Decoder, magnitude, sameBytes } from "./Decoder.ts"
import { randomBytes } from "./mutate.ts"

type Rng = Protocol.Rng

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")
const list = <A>(rng: Rng, most: number, make: () => A): Array<A> => Array.from({ length: rng.nextInt(most) }, make)

const root = (rng: Rng) => ({ high: rng.nextInt(2 ** 32), low: rng.nextInt(2 ** 32) })
const stamp = (rng: Rng) => rng.nextInt(2 ** 16) * 2 ** 32 + rng.nextInt(2 ** 32)
const note = (rng: Rng) =>
  Note.unsigned(rng.nextInt(256), randomBytes(rng, 32), stamp(rng), randomBytes(rng, rng.nextInt(60)))

const whisperOf = (rng: Rng): Whisper => {
  switch (rng.nextInt(7)) {
    case 0:
      return { _tag: "Digest", flags: rng.nextInt(256), count: rng.nextInt(2 ** 32), root: root(rng) }
    case 1: {
      const bits = rng.nextInt(5)
      return { _tag: "Buckets", bits, roots: Array.from({ length: 2 ** bits }, () => root(rng)) }
    }
    case 2:
      return {
        _tag: "Items",
        isReply: rng.nextInt(2) === 0,
        bits: 4,
        buckets: list(rng, 16, () => rng.nextInt(16)),
        items: list(rng, 20, () => ({ prefix: hex(randomBytes(rng, 8)), stamp: stamp(rng) })),
      }
    case 3:
      return { _tag: "Want", prefixes: list(rng, 20, () => hex(randomBytes(rng, 8))) }
    case 4:
      return { _tag: "Notes", notes: list(rng, 5, () => note(rng)) }
    case 5:
      return { _tag: "Pull", after: hex(randomBytes(rng, 32)) }
    default:
      return { _tag: "Page", isLast: rng.nextInt(2) === 0, notes: list(rng, 5, () => note(rng)) }
  }
}

const sizeOf = (whisper: Whisper): number => {
  switch (whisper._tag) {
    case "Items":
      return whisper.items.length
    case "Want":
      return whisper.prefixes.length
    case "Notes":
    case "Page":
      return whisper.notes.length
    case "Buckets":
      return whisper.bits
    default:
      return 0
  }
}

/** Bytes that say yes or no in more ways than one are written in one: the value is compared, by its encoding. */
const isStable = (whisper: Whisper): boolean => {
  const encoded = encodeWhisper(whisper)
  const second = decodeWhisper(encoded)
  return second !== undefined && sameBytes(encodeWhisper(second), encoded)
}

export const whisper: Decoder = {
  name: "whisper",
  about: "presence's messages between two neighbours",
  generate: (rng) => encodeWhisper(whisperOf(rng)),
  decode: (bytes) => {
    const value = decodeWhisper(bytes)
    if (value === undefined)
      return { _tag: "refused", kind: `${Math.min(bytes[0] ?? 0, 8)} ${magnitude(bytes.length)}` }
    return {
      _tag: "value",
      kind: `${value._tag} ${magnitude(sizeOf(value))}`,
      again: () => (isStable(value) ? undefined : "the whisper is not the same"),
    }
  },
}

/** The first byte of an input: the kind of the body that follows. */
const SUSPECT = 1

export const presenceNote: Decoder = {
  name: "presence-note",
  about: "the bodies of presence's notes: entries and accusations",
  generate: (rng) => {
    const isSuspect = rng.nextInt(2) === 0
    const body = isSuspect
      ? encodeSuspect(
          Array.from({ length: 1 + rng.nextInt(8) }, () => ({ id: randomBytes(rng, 32), stamp: stamp(rng) })),
        )
      : encodeHere({
          since: stamp(rng),
          ttlMinutes: 1 + rng.nextInt(10_080),
          state: randomBytes(rng, rng.nextInt(1_025)),
        })
    return Uint8Array.of(isSuspect ? SUSPECT : 0, ...body)
  },
  decode: (bytes) => {
    const body = bytes.subarray(1)
    if (bytes[0] !== SUSPECT) {
      const here = decodeHere(body)
      if (here === undefined) return { _tag: "refused", kind: `here ${magnitude(body.length)}` }
      return {
        _tag: "value",
        kind: `here ${magnitude(here.state.length)}`,
        again: () => (sameBytes(encodeHere(here), body) ? undefined : "the entry is not the same"),
      }
    }
    const accused = decodeSuspect(body)
    if (accused === undefined) return { _tag: "refused", kind: `suspect ${magnitude(body.length)}` }
    const encoded = () => encodeSuspect(accused.map(({ member, stamp }) => ({ id: Buffer.from(member, "hex"), stamp })))
    return {
      _tag: "value",
      kind: `suspect ${accused.length}`,
      again: () => (sameBytes(encoded(), body) ? undefined : "the accusation is not the same"),
    }
  },
}
