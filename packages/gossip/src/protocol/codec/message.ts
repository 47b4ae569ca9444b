/**
 * The wire format of messages: postcard of iroh-gossip 0.101's `topic::Message<EndpointId>`, an enum of the membership's and
 * the broadcast's messages (`src/proto/hyparview.rs`, `src/proto/plumtree.rs`). The topic is not part of a message: the first
 * frame of the stream names it.
 */
import { ed25519 } from "@noble/curves/ed25519.js"
import { BoundedMap, Bytes } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"
import { Postcard } from "@topic-tracker/postcard"
import { type Result, Schema } from "effect"
import type { GossipMessage, Message, PeerInfo, SwarmMessage } from "../Message.ts"
import * as MessageId from "../MessageId.ts"

/**
 * Whether 32 bytes are an Ed25519 public key; half of all byte strings are not. A square root in the field costs tens of
 * microseconds, and the same few peers are named again and again, so the answers are kept.
 */
const knownKeys = new BoundedMap<string, boolean>(4_096)

/** `id`: 64 lowercase hex digits. Accepts the same keys as `VerifyingKey::from_bytes` of ed25519-dalek. */
const isEndpointKey = (id: string): boolean => {
  const known = knownKeys.get(id)
  if (known !== undefined) return known
  const isKey = isCurvePoint(id)
  knownKeys.set(id, isKey)
  return isKey
}

const isCurvePoint = (id: string): boolean => {
  try {
    // ZIP 215 rules: y may be written as a value that is not below the field's prime, as in dalek's decompression.
    ed25519.Point.fromHex(id, true)
    return true
  } catch {
    return false
  }
}

/**
 * 32 bytes that are a point of the curve. iroh-gossip refuses a message with any other key and drops the stream that it came
 * on, so this node must not learn such a key and pass it on.
 */
const endpointId = Postcard.make<EndpointId.EndpointId>({
  schema: Schema.make<Schema.Schema<EndpointId.EndpointId>>(Schema.String.ast),
  minSize: 32,
  write: (writer, id) => writer.bytes(Bytes.fromHex(id)),
  read: (reader) => {
    const id = Bytes.toHex(reader.view(32)) as EndpointId.EndpointId
    return isEndpointKey(id) ? id : reader.fail(`the endpoint id ${id} is not a point of the curve`)
  },
})

const messageId = Postcard.make<MessageId.MessageId>({
  schema: Schema.make<Schema.Schema<MessageId.MessageId>>(Schema.String.ast),
  minSize: 32,
  write: (writer, id) => writer.bytes(MessageId.toBytes(id)),
  read: (reader) => MessageId.read(reader.view(32)),
})

const peerData = Postcard.undefinedOr(Postcard.bytes)

const peerInfo: Postcard.Codec<PeerInfo> = Postcard.struct({ id: endpointId, data: peerData })

const swarmMessage: Postcard.Codec<SwarmMessage> = Postcard.taggedUnion({
  Join: { data: peerData },
  ForwardJoin: { peer: peerInfo, ttl: Postcard.u16 },
  Shuffle: { origin: endpointId, nodes: Postcard.seq(peerInfo), ttl: Postcard.u16 },
  ShuffleReply: { nodes: Postcard.seq(peerInfo) },
  Neighbor: { priority: Postcard.literals("high", "low"), data: peerData },
  Disconnect: { alive: Postcard.bool, respond: Postcard.bool },
})

const gossipMessage: Postcard.Codec<GossipMessage> = Postcard.taggedUnion({
  Gossip: {
    id: messageId,
    content: Postcard.bytes,
    scope: Postcard.taggedUnion({ Swarm: { round: Postcard.u16 }, Neighbors: {} }),
  },
  Prune: {},
  Graft: { id: Postcard.undefinedOr(messageId), round: Postcard.u16 },
  IHave: { messages: Postcard.seq(Postcard.struct({ id: messageId, round: Postcard.u16 })) },
})

const swarmVariant = 0
const gossipVariant = 1

/**
 * A topic's message. Decoding copies what it keeps, so that the input may be overwritten afterwards.
 *
 * @since 0.1.0
 */
export const messageCodec: Postcard.Codec<Message> = Postcard.make<Message>({
  schema: Schema.Union([swarmMessage.schema, gossipMessage.schema]),
  minSize: 2,
  write: (writer, message) => {
    switch (message._tag) {
      case "Gossip":
      case "Prune":
      case "Graft":
      case "IHave":
        writer.byte(gossipVariant)
        gossipMessage.write(writer, message)
        return
      default:
        writer.byte(swarmVariant)
        swarmMessage.write(writer, message)
    }
  },
  read: (reader) => {
    const variant = reader.varint(32)
    if (variant === gossipVariant) return gossipMessage.read(reader)
    return variant === swarmVariant ? swarmMessage.read(reader) : reader.fail(`variant ${variant}; must be below 2`)
  },
})

/**
 * The message in the bytes, or the reason why they hold none. Bytes after the message are ignored, as in iroh-gossip.
 *
 * @since 0.1.0
 */
export const decodeMessage: (bytes: Uint8Array) => Result.Result<Message, Postcard.DecodeError> =
  Postcard.decodeResult(messageCodec)

/**
 * The bytes of a message.
 *
 * @since 0.1.0
 */
export const encodeMessage: (message: Message) => Uint8Array = Postcard.encodeSync(messageCodec)

/**
 * The maximum size of a broadcast's content in bytes. Computed for the longest round number, since a message grows with its
 * hops, and for a frame below the maximum, since iroh-gossip sends no frame of exactly that size.
 *
 * @since 0.1.0
 */
export const maxContentBytes = (maxMessageSize: number): number => {
  const around = 1 + 1 + 32 + (1 + 3)
  const lengthPrefix = maxMessageSize <= 0x80 + around + 1 ? 1 : maxMessageSize <= 0x4000 + around + 2 ? 2 : 3
  return maxMessageSize - 1 - around - lengthPrefix
}
