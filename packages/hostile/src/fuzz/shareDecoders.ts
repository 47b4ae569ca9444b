/** Decoders of large contents: the messages of the protocol, as a reader of a stream gets them. */
import { EndpointId } from "@topic-tracker/crypto"
import type { Protocol } from "@topic-tracker/gossip"
import { encode, FrameReader, type Message } from "@topic-tracker/share/wire"
import { type Decoder, magnitude, sameBytes } from "./Decoder.ts"
import { pick, randomBytes } from "./mutate.ts"

type Rng = Protocol.Rng

/** Pieces of the longest content that the reader takes. */
const MAX_PIECES = 1_000

const NAMES = ["", "a.txt", "Grüße.tar.gz", "x".repeat(255), "\u{1F600}"]

const u32 = (rng: Rng): number => rng.nextInt(2 ** 32)
const ids = (rng: Rng): ReadonlyArray<EndpointId.EndpointId> =>
  Array.from({ length: rng.nextInt(5) }, () => EndpointId.fromBytes(randomBytes(rng, 32)))

const messageOf = (rng: Rng): Message => {
  switch (rng.nextInt(13)) {
    case 0:
      return { _tag: "Open", hash: randomBytes(rng, 32) }
    case 1:
      return { _tag: "NotHere", peers: ids(rng) }
    case 2:
      return { _tag: "Here", size: rng.nextInt(4) === 0 ? undefined : u32(rng) * 2 ** 20, name: pick(rng, NAMES) }
    case 3:
      return { _tag: "AskValues", first: u32(rng) }
    case 4:
      return { _tag: "Proof", proof: randomBytes(rng, rng.nextInt(200)) }
    case 5:
      return { _tag: "Values", first: u32(rng), values: randomBytes(rng, 32 * (1 + rng.nextInt(4))) }
    case 6:
      return { _tag: "Map", bits: randomBytes(rng, rng.nextInt(MAX_PIECES / 8)) }
    case 7:
      return { _tag: "Have", pieces: Array.from({ length: 1 + rng.nextInt(20) }, () => u32(rng)) }
    case 8:
      return { _tag: "Want", piece: u32(rng) }
    case 9:
      return { _tag: "Piece", piece: u32(rng), bytes: randomBytes(rng, rng.nextInt(300)) }
    case 10:
      return { _tag: "No", piece: u32(rng) }
    case 11:
      return { _tag: "Cancel", piece: u32(rng) }
    default:
      return { _tag: "Peers", peers: ids(rng) }
  }
}

/** The messages of the bytes, which come in pieces of at most so many; undefined if they break the protocol. */
const read = (bytes: Uint8Array, pieceBytes: number): ReadonlyArray<Message> | undefined => {
  const reader = new FrameReader(MAX_PIECES)
  const messages: Array<Message> = []
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const next = reader.push(bytes.subarray(at, at + pieceBytes))
    if (next === undefined) return undefined
    messages.push(...next)
  }
  return messages
}

const encodeAll = (messages: ReadonlyArray<Message>): Uint8Array => Buffer.concat(messages.map(encode))

export const shareMessages: Decoder = {
  name: "share-messages",
  about: "the messages of large contents on a peer stream",
  generate: (rng) => encodeAll(Array.from({ length: 1 + rng.nextInt(4) }, () => messageOf(rng))),
  decode: (bytes) => {
    const messages = read(bytes, bytes.length)
    if (messages === undefined)
      return { _tag: "refused", kind: `${Math.min(bytes[4] ?? 0, 14)} ${magnitude(bytes.length)}` }
    const encoded = encodeAll(messages)
    return {
      _tag: "value",
      kind: `${messages[0]?._tag} ${magnitude(messages.length)}`,
      again: () => {
        // The bytes left over are a message that has not come whole.
        if (!sameBytes(encoded, bytes.subarray(0, encoded.length))) return "the messages are not the same"
        const inPieces = read(bytes, 3)
        if (inPieces === undefined || !sameBytes(encodeAll(inPieces), encoded)) return "in pieces they read otherwise"
        return undefined
      },
    }
  },
}
