/**
 * The wire format of messages: postcard of iroh-gossip 0.101's `topic::Message<EndpointId>`, an enum of the membership's and
 * the broadcast's messages (`src/proto/hyparview.rs`, `src/proto/plumtree.rs`). The topic is not part of a message: the first
 * frame of the stream names it.
 */
import { Bytes } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"
import { Postcard } from "@topic-tracker/postcard"
import { type Result, Schema } from "effect"
import type { MembershipConfig } from "../Config.ts"
import type { GossipMessage, Message, PeerInfo, SwarmMessage } from "../Message.ts"
import * as MessageId from "../MessageId.ts"
import { sharedId } from "./endpointKey.ts"

/**
 * 32 bytes. Half of all byte strings are no key, but the check costs some 90 µs, so it waits until a peer's name is used (isEndpointKey).
 */
const endpointId = Postcard.make<EndpointId.EndpointId>({
  schema: Schema.make<Schema.Schema<EndpointId.EndpointId>>(Schema.String.ast),
  minSize: 32,
  write: (writer, id) => writer.bytes(Bytes.fromHex(id)),
  read: (reader) => sharedId(Bytes.toHex(reader.view(32)) as EndpointId.EndpointId),
})

const messageId = Postcard.make<MessageId.MessageId>({
  schema: Schema.make<Schema.Schema<MessageId.MessageId>>(Schema.String.ast),
  minSize: 32,
  write: (writer, id) => writer.bytes(MessageId.toBytes(id)),
  read: (reader) => MessageId.read(reader.view(32)),
})

const peerData = Postcard.undefinedOr(Postcard.bytes)

const peerInfo: Postcard.Codec<PeerInfo> = Postcard.struct({ id: endpointId, data: peerData })

/** A message may name 119 peers and the protocol uses the first of them: the others are skipped by their lengths. */
const firstPeers = (maxCount: number): Postcard.Codec<ReadonlyArray<PeerInfo>> => {
  const all = Postcard.seq(peerInfo)
  return Postcard.make<ReadonlyArray<PeerInfo>>({
    schema: all.schema,
    minSize: all.minSize,
    write: all.write,
    read: (reader) => {
      const length = reader.length(peerInfo.minSize)
      const peers: Array<PeerInfo> = []
      for (let i = 0; i < length; i++) {
        if (i < maxCount) peers.push(peerInfo.read(reader))
        else skipPeer(reader)
      }
      return peers
    },
  })
}

const skipPeer = (reader: Postcard.Reader): void => {
  reader.view(32)
  const tag = reader.byte()
  if (tag === 1) reader.view(reader.length(1))
  else if (tag !== 0) reader.fail(`an option tag of ${tag}; must be 0 or 1`)
}

const makeSwarmMessage = (maxPeers: number): Postcard.Codec<SwarmMessage> =>
  Postcard.taggedUnion({
    Join: { data: peerData },
    ForwardJoin: { peer: peerInfo, ttl: Postcard.u16 },
    Shuffle: { origin: endpointId, nodes: firstPeers(maxPeers), ttl: Postcard.u16 },
    ShuffleReply: { nodes: firstPeers(maxPeers) },
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

const makeMessageCodec = (maxPeers: number): Postcard.Codec<Message> => {
  const swarmMessage = makeSwarmMessage(maxPeers)
  return Postcard.make<Message>({
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
}

/** The peers of a Shuffle with the default parameters: three neighbours, four contacts and its origin. */
const DEFAULT_PEERS = 8

/**
 * A topic's message. Decoding copies what it keeps, so that the input may be overwritten afterwards. Of the peers that a Shuffle or its
 * answer names it keeps the first eight. Whether their names are keys is checked when they are used.
 *
 * @since 0.1.0
 * @category operations
 */
export const messageCodec: Postcard.Codec<Message> = makeMessageCodec(DEFAULT_PEERS)

/**
 * The message in the bytes, or the reason why they hold none. Bytes after the message are ignored, as in iroh-gossip.
 *
 * @since 0.1.0
 * @category schemas
 */
export const decodeMessage: (bytes: Uint8Array) => Result.Result<Message, Postcard.DecodeError> =
  Postcard.decodeResult(messageCodec)

/** {@link decodeMessage} for these parameters: of the peers in a message it keeps as many as a Shuffle of ours has. */
export const makeMessageDecoder = (config: MembershipConfig): typeof decodeMessage => {
  const peers = config.shuffleActiveViewCount + config.shufflePassiveViewCount + 1
  return peers === DEFAULT_PEERS ? decodeMessage : Postcard.decodeResult(makeMessageCodec(peers))
}

/**
 * The bytes of a message.
 *
 * @since 0.1.0
 * @category schemas
 */
export const encodeMessage: (message: Message) => Uint8Array = Postcard.encodeSync(messageCodec)

/**
 * The maximum size of a broadcast's content in bytes. Computed for the longest round number, since a message grows with its
 * hops, and for a frame below the maximum, since iroh-gossip sends no frame of exactly that size.
 *
 * @since 0.1.0
 * @category operations
 */
export const maxContentBytes = (maxMessageSize: number): number => {
  const around = 1 + 1 + 32 + (1 + 3)
  const lengthPrefix = maxMessageSize <= 0x80 + around + 1 ? 1 : maxMessageSize <= 0x4000 + around + 2 ? 2 : 3
  return maxMessageSize - 1 - around - lengthPrefix
}
