/** Decoders of what DHT nodes send, and of the file of known nodes. */
import { createHash } from "node:crypto"
import { decodeBencode, decodeKept, encodeBencode, encodeKept, parseDatagram } from "@topic-tracker/dht/testing"
import type { Protocol } from "@topic-tracker/gossip"
import { type Decoder, magnitude, sameBytes } from "./Decoder.ts"
import { pick, randomBytes } from "./mutate.ts"

type Rng = Protocol.Rng

const id = (rng: Rng) => randomBytes(rng, 20)

const item = (rng: Rng) => ({
  k: randomBytes(rng, 32),
  sig: randomBytes(rng, 64),
  seq: rng.nextInt(1 << 30),
  v: randomBytes(rng, rng.nextInt(900)),
})

const datagram = (rng: Rng): Uint8Array => {
  const t = randomBytes(rng, 1 + rng.nextInt(8))
  switch (rng.nextInt(9)) {
    case 0:
      return encodeBencode({ t, y: "q", q: "ping", a: { id: id(rng) } })
    case 1:
      return encodeBencode({ t, y: "q", q: "find_node", a: { id: id(rng), target: id(rng) } })
    case 2:
      return encodeBencode({ t, y: "q", q: "get_peers", ro: 1, a: { id: id(rng), info_hash: id(rng) } })
    case 3:
      return encodeBencode({
        t,
        y: "q",
        q: "announce_peer",
        a: { id: id(rng), info_hash: id(rng), port: rng.nextInt(65_536), token: randomBytes(rng, 8) },
      })
    case 4:
      return encodeBencode({
        t,
        y: "q",
        q: "get",
        a: { id: id(rng), target: id(rng), seq: rng.nextInt(2) === 0 ? undefined : 5 },
      })
    case 5:
      return encodeBencode({
        t,
        y: "q",
        q: "put",
        a: { id: id(rng), token: randomBytes(rng, 8), salt: randomBytes(rng, rng.nextInt(65)), ...item(rng) },
      })
    case 6:
      return encodeBencode({ t, y: "e", e: [pick(rng, [201, 203, 301]), "no"] })
    case 7:
      return encodeBencode({
        t,
        y: "r",
        r: { id: id(rng), nodes: randomBytes(rng, 26 * rng.nextInt(21)), token: randomBytes(rng, 8), ...item(rng) },
      })
    default:
      return encodeBencode({
        t,
        y: "r",
        ip: randomBytes(rng, 6),
        r: { id: id(rng), values: Array.from({ length: rng.nextInt(50) }, () => randomBytes(rng, 6)) },
      })
  }
}

export const krpc: Decoder = {
  name: "datagram",
  about: "KRPC messages, and the bencoding below them",
  generate: datagram,
  decode: (bytes) => {
    const message = parseDatagram(bytes)
    const value = decodeBencode(bytes)
    // BEP 44 signs the bencoding: what is decoded encodes to the same bytes.
    const again = () =>
      value === undefined || sameBytes(encodeBencode(value), bytes) ? undefined : "the bencoding is not the same"
    if (message === undefined) {
      const wrong = again()
      if (wrong !== undefined) return { _tag: "value", kind: "bencode", again: () => wrong }
      return { _tag: "refused", kind: value === undefined ? `no bencode ${bytes[0]}` : `bencode ${shapeOf(value)}` }
    }
    const detail =
      message.y === "q" ? message.q.slice(0, 16) : message.y === "r" ? Object.keys(message.r).sort().join() : "e"
    return { _tag: "value", kind: `${message.y} ${detail}`, again }
  },
}

const shapeOf = (value: unknown, depth = 0): string => {
  if (value instanceof Uint8Array) return "s"
  if (typeof value === "bigint") return "i"
  if (Array.isArray(value)) return `l${magnitude(value.length)}`
  if (typeof value !== "object" || value === null || depth > 1) return "d"
  return `d${Object.keys(value)
    .slice(0, 6)
    .map((key) => (key.length === 1 ? `${key}${shapeOf(Reflect.get(value, key), depth + 1)}` : "_"))
    .join("")}`
}

/** Private nodes count for a client that is bound to loopback, so that every node of the file is looked at. */
const OPTIONS = { boundTo: "127.0.0.1", now: 1_900_000_000_000 }
const NOW = OPTIONS.now

const DIGEST_AT = 8
const NODES_AT = 28

export const nodesFile: Decoder = {
  name: "nodes-file",
  about: "the file of known DHT nodes",
  generate: (rng) =>
    encodeKept(
      Array.from({ length: 1 + rng.nextInt(20) }, () => ({
        id: id(rng),
        host: `${1 + rng.nextInt(120)}.${rng.nextInt(256)}.1.1`,
        port: 1 + rng.nextInt(65_535),
        seenAt: NOW - 60_000 * rng.nextInt(20_000),
      })),
    ),
  // Without the right digest no mutant would be read.
  repair: (bytes) => {
    if (bytes.length < NODES_AT) return bytes
    const copy = bytes.slice()
    copy.set(createHash("sha1").update(copy.subarray(NODES_AT)).digest(), DIGEST_AT)
    return copy
  },
  decode: (bytes) => {
    const nodes = decodeKept(bytes, OPTIONS)
    if (nodes === undefined) return { _tag: "refused", kind: `refused ${magnitude(bytes.length)}` }
    return {
      _tag: "value",
      kind: `nodes ${magnitude(nodes.length)}`,
      again: () => {
        const encoded = encodeKept(nodes)
        const decoded = decodeKept(encoded, OPTIONS)
        return decoded !== undefined && sameBytes(encodeKept(decoded), encoded)
          ? undefined
          : "the nodes are not the same"
      },
    }
  },
}
