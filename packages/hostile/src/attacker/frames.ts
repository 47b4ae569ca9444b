/**
 * Gossip frames as an attacker writes them. Independent of our own codec on purpose: what the two agree on is checked twice.
 * Source: iroh-gossip 0.101 `src/net/util.rs` (frames), `src/proto/{hyparview,plumtree}.rs` (messages); postcard's wire format.
 */
import { createHash, generateKeyPairSync, randomBytes } from "node:crypto"
import { blake3 } from "@noble/hashes/blake3.js"

/** The first 32 bytes of SHA-512 of the topic's name. */
export const topicId = (name: string): Buffer => createHash("sha512").update(name).digest().subarray(0, 32)

/** A LEB128 number. */
const varint = (value: number): Buffer => {
  const bytes: Array<number> = []
  let rest = value
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  bytes.push(rest)
  return Buffer.from(bytes)
}

const byteString = (bytes: Uint8Array): Buffer => Buffer.concat([varint(bytes.length), bytes])

const optional = (bytes: Uint8Array | undefined): Buffer =>
  bytes === undefined ? Buffer.of(0) : Buffer.concat([Buffer.of(1), bytes])

/** A frame: its length in four bytes, then its body. */
export const frame = (...parts: ReadonlyArray<Uint8Array>): Buffer => {
  const body = Buffer.concat(parts)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length)
  return Buffer.concat([length, body])
}

/** The address of a peer as gossip carries it. `direct`: IPv4 "IP:port". */
export const peerData = (direct: ReadonlyArray<string>, relay?: string): Buffer =>
  Buffer.concat([
    optional(relay === undefined ? undefined : byteString(Buffer.from(relay))),
    varint(direct.length),
    ...direct.map((text) => {
      const [host = "", port] = text.split(":")
      return Buffer.concat([Buffer.of(0, ...host.split(".").map(Number)), varint(Number(port))])
    }),
  ])

/** A peer that is named to others. */
export interface Named {
  readonly id: Uint8Array
  readonly data?: Uint8Array
}

const data = (bytes: Uint8Array | undefined): Buffer => optional(bytes === undefined ? undefined : byteString(bytes))
const named = (peer: Named): Buffer => Buffer.concat([peer.id, data(peer.data)])
const list = (peers: ReadonlyArray<Named>): Buffer => Buffer.concat([varint(peers.length), ...peers.map(named)])

export const join = (own?: Uint8Array): Buffer => frame(Buffer.of(0, 0), data(own))
export const forwardJoin = (peer: Named, ttl: number): Buffer => frame(Buffer.of(0, 1), named(peer), varint(ttl))
export const shuffle = (origin: Uint8Array, nodes: ReadonlyArray<Named>, ttl: number): Buffer =>
  frame(Buffer.of(0, 2), origin, list(nodes), varint(ttl))
export const shuffleReply = (nodes: ReadonlyArray<Named>): Buffer => frame(Buffer.of(0, 3), list(nodes))
export const neighbor = (priority: "high" | "low", own?: Uint8Array): Buffer =>
  frame(Buffer.of(0, 4, priority === "high" ? 0 : 1), data(own))
export const disconnect = (alive: boolean): Buffer => frame(Buffer.of(0, 5, alive ? 1 : 0, 0))
export const payload = (content: Uint8Array, round = 0): Buffer =>
  frame(Buffer.of(1, 0), blake3(content), byteString(content), Buffer.of(0), varint(round))
export const prune = (): Buffer => frame(Buffer.of(1, 1))
export const graft = (id: Uint8Array | undefined, round = 0): Buffer =>
  frame(Buffer.of(1, 2), optional(id), varint(round))
export const iHave = (ids: ReadonlyArray<Uint8Array>): Buffer =>
  frame(Buffer.of(1, 3), varint(ids.length), ...ids.map((id) => Buffer.concat([id, Buffer.of(0)])))

/** An id as a peer has it: a point of the curve. */
export const endpointKey = (): Buffer =>
  Buffer.from(generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" }).x ?? "", "base64url")

/** Ids of messages that do not exist. */
export const messageIds = (count: number): ReadonlyArray<Buffer> => {
  const bytes = randomBytes(32 * count)
  return Array.from({ length: count }, (_, i) => bytes.subarray(32 * i, 32 * (i + 1)))
}

/** The largest message that iroh-gossip sends, without the frame's length. */
export const MAX_FRAME_BYTES = 4_095

/** A Shuffle as large as a frame may be: it names 119 peers without addresses. */
export const fullShuffle = (keys: () => Uint8Array): Buffer =>
  shuffle(
    keys(),
    Array.from({ length: 119 }, () => ({ id: keys() })),
    6,
  )

export type Kind =
  | "Join"
  | "ForwardJoin"
  | "Shuffle"
  | "ShuffleReply"
  | "Neighbor"
  | "Disconnect"
  | "Gossip"
  | "Prune"
  | "Graft"
  | "IHave"

const SWARM: ReadonlyArray<Kind> = ["Join", "ForwardJoin", "Shuffle", "ShuffleReply", "Neighbor", "Disconnect"]
const GOSSIP: ReadonlyArray<Kind> = ["Gossip", "Prune", "Graft", "IHave"]

/** Cuts the bytes of a stream into bodies of frames. The first is the topic. */
export class FrameReader {
  #rest = Buffer.alloc(0)

  push(bytes: Uint8Array): ReadonlyArray<Buffer> {
    this.#rest = Buffer.concat([this.#rest, bytes])
    const bodies: Array<Buffer> = []
    while (this.#rest.length >= 4) {
      const end = 4 + this.#rest.readUInt32BE()
      if (this.#rest.length < end) break
      bodies.push(this.#rest.subarray(4, end))
      this.#rest = this.#rest.subarray(end)
    }
    return bodies
  }
}

export const kindOf = (body: Uint8Array): Kind | undefined =>
  (body[0] === 0 ? SWARM : body[0] === 1 ? GOSSIP : [])[body[1] ?? -1]

/** The id of the payload in a Gossip message. */
export const payloadId = (body: Uint8Array): Buffer => Buffer.from(body.subarray(2, 34))
