/**
 * A node's signed statement for one topic and minute, as it is before encryption: topic (32) ‖ minute, little-endian (8) ‖
 * node public key (32) ‖ content ‖ signature (64). The content is any value with a Schema whose encoded side is bytes.
 * Nothing here reads a clock or a network, and a decoded record is not to be believed before {@link verify}.
 * Source: distributed-topic-tracker `src/crypto/record.rs` (`Record`).
 */

import { equals, readU64le, u64le } from "@topic-tracker/common/Bytes"
import { Effect, Result, Schema } from "effect"
import { Crypto } from "./Crypto.ts"
import * as EndpointId from "./EndpointId.ts"
import { RecordContentInvalid, RecordMalformed, RecordRejected } from "./RecordError.ts"
import type { SigningKey } from "./SigningKey.ts"
import { TopicId } from "./TopicId.ts"

/** A signed statement of one node for one minute of a topic. */
export interface Record {
  readonly topic: TopicId
  /** Whole minutes since the Unix epoch; a u64. */
  readonly unixMinute: bigint
  /** 32 bytes: the Ed25519 key of the node that speaks, which is its endpoint id. */
  readonly publicKey: Uint8Array
  /** The encoded content; {@link content} decodes it. */
  readonly content: Uint8Array
  /** 64 bytes, over everything before it. */
  readonly signature: Uint8Array
}

/** Content of any type: a Schema whose encoded side is bytes, such as `Postcard.toSchema` makes. */
export type ContentSchema<A> = Schema.Codec<A, Uint8Array>

/** How many bytes a record has beside its content. */
export const overhead = 136

const signatureSize = 64

/** A record signed by the node whose key this is. Fails when the content is no value of its schema. */
export const sign: <A>(options: {
  readonly topic: TopicId
  readonly unixMinute: bigint
  readonly schema: ContentSchema<A>
  readonly content: A
  readonly signingKey: SigningKey
}) => Effect.Effect<Record, RecordContentInvalid, Crypto> = Effect.fnUntraced(function* ({
  topic,
  unixMinute,
  schema,
  content,
  signingKey,
}) {
  const crypto = yield* Crypto
  const encoded = yield* Effect.mapError(Schema.encodeEffect(schema)(content), contentInvalid)
  const unsigned = { topic, unixMinute, publicKey: signingKey.publicKey, content: encoded }
  return { ...unsigned, signature: crypto.sign(signingKey, signedPart(unsigned)) }
})

/** The bytes of a record: 136 and its content. */
export const encode = (record: Record): Uint8Array => {
  const bytes = new Uint8Array(overhead + record.content.length)
  write(record, bytes)
  bytes.set(record.signature, bytes.length - signatureSize)
  return bytes
}

/** The record that the bytes hold, copied out of them; its signature is not checked. Fails below 136 bytes. */
export const decode = (bytes: Uint8Array): Result.Result<Record, RecordMalformed> => {
  if (bytes.length < overhead) {
    return Result.fail(new RecordMalformed({ message: `record: ${bytes.length} bytes; at least ${overhead}` }))
  }
  const end = bytes.length - signatureSize
  return Result.succeed({
    topic: TopicId.fromBytes(bytes.subarray(0, 32)),
    unixMinute: readU64le(bytes, 32),
    publicKey: new Uint8Array(bytes.subarray(40, 72)),
    content: new Uint8Array(bytes.subarray(72, end)),
    signature: new Uint8Array(bytes.subarray(end)),
  })
}

/** Succeeds when the record is for this topic and minute and its node's signature holds strictly. */
export const verify: (
  record: Record,
  topic: TopicId,
  unixMinute: bigint,
) => Effect.Effect<void, RecordRejected, Crypto> = Effect.fnUntraced(function* (record, topic, unixMinute) {
  if (!equals(record.topic.bytes, topic.bytes)) {
    return yield* new RecordRejected({ reason: "topic", message: `topic: ${record.topic.hex}; asked for ${topic.hex}` })
  }
  if (record.unixMinute !== unixMinute) {
    const message = `unixMinute: ${record.unixMinute}; asked for ${unixMinute}`
    return yield* new RecordRejected({ reason: "minute", message })
  }
  const crypto = yield* Crypto
  if (!crypto.verifyStrict(record.publicKey, signedPart(record), record.signature)) {
    const message = "signature: not made by the record's node, or malleable"
    return yield* new RecordRejected({ reason: "signature", message })
  }
})

/** The content of a record, decoded. */
export const content: <A>(record: Record, schema: ContentSchema<A>) => Effect.Effect<A, RecordContentInvalid> =
  Effect.fnUntraced(function* (record, schema) {
    return yield* Effect.mapError(Schema.decodeEffect(schema)(record.content), contentInvalid)
  })

/** The endpoint id of the node that made the record. */
export const endpointId = (record: Record): EndpointId.EndpointId => EndpointId.fromBytes(record.publicKey)

type Unsigned = Omit<Record, "signature">

const signedPart = (record: Unsigned): Uint8Array => {
  const bytes = new Uint8Array(overhead - signatureSize + record.content.length)
  write(record, bytes)
  return bytes
}

const write = (record: Unsigned, bytes: Uint8Array): void => {
  bytes.set(record.topic.bytes, 0)
  bytes.set(u64le(record.unixMinute), 32)
  bytes.set(record.publicKey, 40)
  bytes.set(record.content, 72)
}

const contentInvalid = (error: Schema.SchemaError) => new RecordContentInvalid({ message: `content: ${error.message}` })
