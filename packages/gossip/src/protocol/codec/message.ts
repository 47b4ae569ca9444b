/**
 * How messages lie on the wire: postcard of iroh-gossip 0.101's `topic::Message<EndpointId>`, an enum of the membership's and
 * the broadcast's messages (`src/proto/hyparview.rs`, `src/proto/plumtree.rs`). The topic is not part of it; the stream tells.
 */
import { Bytes } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"
import { Postcard } from "@topic-tracker/postcard"
import { type Result, Schema } from "effect"
import type { GossipMessage, Message, PeerInfo, SwarmMessage } from "../Message.ts"
import * as MessageId from "../MessageId.ts"
import { isEndpointKey } from "./endpointKey.ts"

/**
 * 32 bytes that are a point of the curve. The reference refuses a message that names a key which is none, and drops the
 * stream that it came on: we must not learn such a key and pass it on.
 */
const endpointId = Postcard.make<EndpointId.EndpointId>({
  schema: Schema.make<Schema.Schema<EndpointId.EndpointId>>(Schema.String.ast),
  minSize: 32,
  write: (writer, id) => writer.bytes(Bytes.fromHex(id)),
  read: (reader) => {
    const id = Bytes.toHex(reader.view(32)) as EndpointId.EndpointId
    return isEndpointKey(id) ? id : reader.fail(`the endpoint id ${id} is no point of the curve`)
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

/** A topic's message. Decoding copies what it keeps, so that the input may be overwritten afterwards. */
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

/** The message that the bytes are, or why they are none. Bytes after it are ignored, as the reference does. */
export const decodeMessage: (bytes: Uint8Array) => Result.Result<Message, Postcard.DecodeError> =
  Postcard.decodeResult(messageCodec)

/** The bytes of a message. */
export const encodeMessage: (message: Message) => Uint8Array = Postcard.encodeSync(messageCodec)

/**
 * The most bytes that the content of a broadcast may have. Counted for the longest round number, or a message that goes out
 * here could grow too large on its way; and less than the maximum, because the reference sends nothing of exactly that size.
 */
export const maxContentBytes = (maxMessageSize: number): number => {
  const around = 1 + 1 + 32 + (1 + 3)
  const lengthPrefix = maxMessageSize <= 0x80 + around + 1 ? 1 : maxMessageSize <= 0x4000 + around + 2 ? 2 : 3
  return maxMessageSize - 1 - around - lengthPrefix
}
