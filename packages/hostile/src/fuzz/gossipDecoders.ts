/** Decoders of what gossip peers send. */
import { blake3 } from "@noble/hashes/blake3.js"
import { EndpointId } from "@topic-tracker/crypto"
import { type EndpointAddress, Protocol } from "@topic-tracker/gossip"
import { Result } from "effect"
import { endpointKey } from "../attacker/frames.ts"
import { type Decoder, kindOfMessage, magnitude, sameBytes } from "./Decoder.ts"
import { pick, randomBytes } from "./mutate.ts"

type Rng = Protocol.Rng

/** Points of the curve: other keys are refused, and a new point costs a square root. */
const KEYS = Array.from({ length: 32 }, () => EndpointId.fromBytes(endpointKey()))

const data = (rng: Rng): Uint8Array | undefined =>
  rng.nextInt(2) === 0 ? undefined : Protocol.encodePeerData(address(rng))

const address = (rng: Rng): EndpointAddress => ({
  relayUrl: rng.nextInt(3) === 0 ? `https://relay${rng.nextInt(9)}.example./` : undefined,
  direct: Array.from({ length: rng.nextInt(6) }, () =>
    rng.nextInt(3) === 0
      ? `[2a01:${rng.nextInt(10_000)}::${rng.nextInt(10_000)}]:${rng.nextInt(65_536)}`
      : `${rng.nextInt(256)}.${rng.nextInt(256)}.${rng.nextInt(256)}.${rng.nextInt(256)}:${rng.nextInt(65_536)}`,
  ),
})

const peer = (rng: Rng) => ({ id: pick(rng, KEYS), data: data(rng) })
const peers = (rng: Rng) => Array.from({ length: rng.nextInt(9) }, () => peer(rng))

const messageId = (rng: Rng) => Protocol.MessageId.read(randomBytes(rng, 32))

const message = (rng: Rng): Protocol.Message => {
  switch (rng.nextInt(10)) {
    case 0:
      return { _tag: "Join", data: data(rng) }
    case 1:
      return { _tag: "ForwardJoin", peer: peer(rng), ttl: rng.nextInt(65_536) }
    case 2:
      return { _tag: "Shuffle", origin: pick(rng, KEYS), nodes: peers(rng), ttl: rng.nextInt(65_536) }
    case 3:
      return { _tag: "ShuffleReply", nodes: peers(rng) }
    case 4:
      return { _tag: "Neighbor", priority: pick(rng, ["high", "low"] as const), data: data(rng) }
    case 5:
      return { _tag: "Disconnect", alive: rng.nextInt(2) === 0, respond: rng.nextInt(2) === 0 }
    case 6: {
      const content = randomBytes(rng, rng.nextInt(300))
      const scope =
        rng.nextInt(2) === 0 ? ({ _tag: "Neighbors" } as const) : { _tag: "Swarm" as const, round: rng.nextInt(65_536) }
      return { _tag: "Gossip", id: Protocol.MessageId.read(blake3(content)), content, scope }
    }
    case 7:
      return { _tag: "Prune" }
    case 8:
      return { _tag: "Graft", id: rng.nextInt(2) === 0 ? undefined : messageId(rng), round: rng.nextInt(65_536) }
    default:
      return {
        _tag: "IHave",
        messages: Array.from({ length: rng.nextInt(20) }, () => ({ id: messageId(rng), round: rng.nextInt(65_536) })),
      }
  }
}

export const gossipMessage: Decoder = {
  name: "message",
  about: "gossip messages",
  generate: (rng) => Protocol.encodeMessage(message(rng)),
  decode: (bytes) => {
    const decoded = Protocol.decodeMessage(bytes)
    if (Result.isFailure(decoded)) return { _tag: "refused", kind: kindOfMessage(decoded.failure.message) }
    const value = decoded.success
    return {
      _tag: "value",
      kind: value._tag,
      again: () => {
        const encoded = Protocol.encodeMessage(value)
        const second = Protocol.decodeMessage(encoded)
        return Result.isSuccess(second) && sameBytes(Protocol.encodeMessage(second.success), encoded)
          ? undefined
          : "the message is not the same after a round trip"
      },
    }
  },
}

export const peerData: Decoder = {
  name: "peer-data",
  about: "the addresses that gossip peers name",
  generate: (rng) => Protocol.encodePeerData(address(rng)),
  decode: (bytes) => {
    const decoded = Protocol.decodePeerData(bytes)
    if (Result.isFailure(decoded)) return { _tag: "refused", kind: kindOfMessage(decoded.failure.message) }
    const value = decoded.success
    return {
      _tag: "value",
      kind: `${value.relayUrl === undefined ? "" : "relay "}${magnitude(value.direct.length)}`,
      again: () => {
        const encoded = Protocol.encodePeerData(value)
        const second = Protocol.decodePeerData(encoded)
        return Result.isSuccess(second) && sameBytes(Protocol.encodePeerData(second.success), encoded)
          ? undefined
          : "the address is not the same after a round trip"
      },
    }
  },
}

const MAX_MESSAGE_BYTES = 512

interface Cut {
  readonly frames: ReadonlyArray<Uint8Array>
  readonly isTooLong: boolean
  readonly atBoundary: boolean
}

/** Cuts the bytes into frames, given to the decoder in chunks of these sizes in turn. */
const cut = (bytes: Uint8Array, sizes: ReadonlyArray<number>): Cut => {
  const decoder = new Protocol.FrameDecoder(MAX_MESSAGE_BYTES)
  const frames: Array<Uint8Array> = []
  let isTooLong = false
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length]!
    if (decoder.push(bytes.subarray(at, at + size), (frame) => frames.push(frame.slice())) !== undefined)
      isTooLong = true
    at += size
  }
  return { frames, isTooLong, atBoundary: decoder.atBoundary }
}

export const frames: Decoder = {
  name: "frame",
  about: "the bytes of a gossip stream, in chunks of any size",
  generate: (rng) => {
    const encoder = new Protocol.FrameEncoder(MAX_MESSAGE_BYTES)
    for (let i = rng.nextInt(5); i >= 0; i--)
      encoder.encoded(randomBytes(rng, rng.nextInt(MAX_MESSAGE_BYTES >> rng.nextInt(7))))
    return encoder.take()
  },
  decode: (bytes) => {
    const whole = cut(bytes, [Math.max(1, bytes.length)])
    const again = () => {
      for (const sizes of [
        [1, 2],
        [5, 3, 300],
      ]) {
        const cutAgain = cut(bytes, sizes)
        if (
          cutAgain.isTooLong !== whole.isTooLong ||
          cutAgain.atBoundary !== whole.atBoundary ||
          cutAgain.frames.length !== whole.frames.length ||
          cutAgain.frames.some((frame, i) => !sameBytes(frame, whole.frames[i]!))
        ) {
          return `other frames with chunks of ${sizes.join(", ")} bytes`
        }
      }
      const header = whole.frames[0] === undefined ? undefined : Protocol.decodeHeader(whole.frames[0])
      return header === undefined || sameBytes(header.bytes, whole.frames[0]!.subarray(0, 32))
        ? undefined
        : "another topic"
    }
    return { _tag: "value", kind: `${magnitude(whole.frames.length)} ${whole.isTooLong} ${whole.atBoundary}`, again }
  },
}
