/**
 * Checks the codecs of the gossip package against messages of iroh-gossip 0.101, which the Rust crate distributed-topic-tracker
 * sends.
 */
import { Bytes } from "@topic-tracker/common"
import { EndpointId } from "@topic-tracker/crypto"
import { Protocol } from "@topic-tracker/gossip"
import { Effect, Result, Schema } from "effect"
import { failedChecks, HexText, type VectorCheck } from "./VectorReport.ts"

const { decodeHeader, decodeMessage, defaultConfig, encodeMessage, FrameDecoder, FrameEncoder, MessageId } = Protocol

const Data = Schema.UndefinedOr(HexText).pipe(Schema.optionalKey)
const Peer = Schema.Struct({ id: EndpointId.EndpointId, data: Data })
const Id = Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/, { expected: "64 lowercase hex digits" }))
const bytes = { postcard: HexText, frame: HexText }

const Case = Schema.Union([
  Schema.Struct({ kind: Schema.Literal("Join"), fields: Schema.Struct({ data: Data }), ...bytes }),
  Schema.Struct({
    kind: Schema.Literal("ForwardJoin"),
    fields: Schema.Struct({ peer: Peer, ttl: Schema.Int }),
    ...bytes,
  }),
  Schema.Struct({
    kind: Schema.Literal("Shuffle"),
    fields: Schema.Struct({ origin: EndpointId.EndpointId, nodes: Schema.Array(Peer), ttl: Schema.Int }),
    ...bytes,
  }),
  Schema.Struct({
    kind: Schema.Literal("ShuffleReply"),
    fields: Schema.Struct({ nodes: Schema.Array(Peer) }),
    ...bytes,
  }),
  Schema.Struct({
    kind: Schema.Literal("Neighbor"),
    fields: Schema.Struct({ priority: Schema.Literals(["high", "low"]), data: Data }),
    ...bytes,
  }),
  Schema.Struct({
    kind: Schema.Literal("Disconnect"),
    fields: Schema.Struct({ alive: Schema.Boolean, respond: Schema.Boolean }),
    ...bytes,
  }),
  Schema.Struct({
    kind: Schema.Literal("Gossip"),
    fields: Schema.Struct({
      id: Id,
      content: HexText,
      scope: Schema.Union([Schema.Struct({ swarm: Schema.Int }), Schema.Literal("neighbors")]),
    }),
    ...bytes,
  }),
  Schema.Struct({ kind: Schema.Literal("Prune"), fields: Schema.Struct({}), ...bytes }),
  Schema.Struct({
    kind: Schema.Literal("Graft"),
    fields: Schema.Struct({ id: Schema.NullishOr(Id).pipe(Schema.optionalKey), round: Schema.Int }),
    ...bytes,
  }),
  Schema.Struct({
    kind: Schema.Literal("IHave"),
    fields: Schema.Struct({ messages: Schema.Array(Schema.Struct({ id: Id, round: Schema.Int })) }),
    ...bytes,
  }),
])
type Case = typeof Case.Type

const GossipFrames = Schema.Struct({ cases: Schema.Array(Case), stream_header_frame: HexText, topic_id: Id })

/**
 * Checks every case of `gossip-frames.json`: decoding gives the fields, encoding the fields gives the bytes, the id of a payload is
 * the BLAKE3 hash of its content, the frame is written and read. The header frame of the stream counts as one case.
 */
export const gossipVectors: VectorCheck = Effect.fnUntraced(function* (json) {
  const file = yield* Schema.decodeUnknownEffect(GossipFrames)(json)
  const failed: Array<string> = []
  for (const [i, vector] of file.cases.entries()) {
    const wrong = checkCase(vector)
    if (wrong.length > 0) failed.push(`gossip-frames case ${i} (${vector.kind}): ${wrong.join(", ")}`)
  }
  const header = readFrames(Bytes.fromHex(file.stream_header_frame)).map((frame) => decodeHeader(frame)?.hex)
  if (header.length !== 1 || header[0] !== file.topic_id) failed.push("gossip-frames stream header: topic id")
  return { passed: file.cases.length + 1 - failed.length, failed }
})

const checkCase = (vector: Case): ReadonlyArray<string> => {
  const expected = messageOf(vector)
  const decoded = decodeMessage(Bytes.fromHex(vector.postcard))
  const encoder = new FrameEncoder(defaultConfig.maxMessageSize)
  return failedChecks({
    decoding: Result.isSuccess(decoded) && show(decoded.success) === show(expected),
    encoding: Bytes.toHex(encodeMessage(expected)) === vector.postcard,
    "frame writing": Result.isSuccess(encoder.message(expected)) && Bytes.toHex(encoder.take()) === vector.frame,
    "frame reading": readFrames(Bytes.fromHex(vector.frame)).map(Bytes.toHex).join() === vector.postcard,
    "message id": expected._tag !== "Gossip" || MessageId.ofContent(expected.content) === expected.id,
  })
}

const readFrames = (stream: Uint8Array): ReadonlyArray<Uint8Array> => {
  const frames: Array<Uint8Array> = []
  const decoder = new FrameDecoder(defaultConfig.maxMessageSize)
  decoder.push(stream, (frame) => frames.push(frame.slice()))
  return decoder.atBoundary ? frames : []
}

/** A text that is equal for messages with equal fields. */
const show = (message: Protocol.Message): string =>
  JSON.stringify(message, (_, value) => (value instanceof Uint8Array ? Bytes.toHex(value) : value))

const data = (hex: string | undefined) => (hex === undefined ? undefined : Bytes.fromHex(hex))
const id = (hex: string) => MessageId.read(Bytes.fromHex(hex))
const peer = (fields: typeof Peer.Type): Protocol.PeerInfo => ({ id: fields.id, data: data(fields.data) })

const messageOf = (vector: Case): Protocol.SwarmMessage | Protocol.GossipMessage => {
  switch (vector.kind) {
    case "Join":
      return { _tag: "Join", data: data(vector.fields.data) }
    case "ForwardJoin":
      return { _tag: "ForwardJoin", peer: peer(vector.fields.peer), ttl: vector.fields.ttl }
    case "Shuffle": {
      const { nodes, origin, ttl } = vector.fields
      return { _tag: "Shuffle", origin, nodes: nodes.map(peer), ttl }
    }
    case "ShuffleReply":
      return { _tag: "ShuffleReply", nodes: vector.fields.nodes.map(peer) }
    case "Neighbor":
      return { _tag: "Neighbor", priority: vector.fields.priority, data: data(vector.fields.data) }
    case "Disconnect":
      return { _tag: "Disconnect", alive: vector.fields.alive, respond: vector.fields.respond }
    case "Gossip": {
      const { content, scope } = vector.fields
      return {
        _tag: "Gossip",
        id: id(vector.fields.id),
        content: Bytes.fromHex(content),
        scope: scope === "neighbors" ? { _tag: "Neighbors" } : { _tag: "Swarm", round: scope.swarm },
      }
    }
    case "Prune":
      return { _tag: "Prune" }
    case "Graft":
      return {
        _tag: "Graft",
        id: typeof vector.fields.id === "string" ? id(vector.fields.id) : undefined,
        round: vector.fields.round,
      }
    case "IHave":
      return {
        _tag: "IHave",
        messages: vector.fields.messages.map((entry) => ({ id: id(entry.id), round: entry.round })),
      }
  }
}
