/**
 * A node's signed record for one topic and minute, before encryption: topic (32 bytes) ‖ minute, little-endian (8) ‖ node public
 * key (32) ‖ content ‖ signature (64). The content is any value with a Schema that encodes to bytes. This module knows no clock
 * and no network. Do not trust a decoded record before {@link verify}.
 * Source: distributed-topic-tracker 0.3.5 `src/crypto/record.rs` (`Record`).
 */

import { equals, readU64le, u64le } from "@topic-tracker/common/Bytes"
import { Effect, Result, Schema } from "effect"
import { Crypto } from "./Crypto.ts"
import type { SigningKey } from "./CryptoService.ts"
import * as EndpointId from "./EndpointId.ts"
import { RecordContentInvalid, RecordMalformed, RecordRejected } from "./RecordError.ts"
import { TopicId } from "./TopicId.ts"

/**
 * A record of one node for one minute of a topic.
 *
 * @since 0.1.0
 * @category models
 */
export interface Record {
  readonly topic: TopicId
  /** Whole minutes since the Unix epoch; a u64. */
  readonly unixMinute: bigint
  /** 32 bytes: the Ed25519 key of the node that made the record, and its endpoint id. */
  readonly publicKey: Uint8Array
  /** The encoded content; {@link content} decodes it. */
  readonly content: Uint8Array
  /** 64 bytes, over all bytes before it. */
  readonly signature: Uint8Array
}

/**
 * Content of any type: a Schema that encodes to bytes, for example from `Postcard.toSchema`.
 *
 * @since 0.1.0
 * @category models
 */
export type ContentSchema<A> = Schema.Codec<A, Uint8Array>

/**
 * The number of bytes of a record without its content.
 *
 * @since 0.1.0
 * @category constants
 */
export const OVERHEAD_BYTES = 136

const SIGNATURE_BYTES = 64

/**
 * A record signed with the node's key. Fails with RecordContentInvalid if the content is not a value of the schema.
 *
 * @since 0.1.0
 * @category encoding
 */
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

/**
 * The bytes of a record: {@link OVERHEAD_BYTES} and its content.
 *
 * @since 0.1.0
 * @category encoding
 */
export const encode = (record: Record): Uint8Array => {
  const bytes = new Uint8Array(OVERHEAD_BYTES + record.content.length)
  write(record, bytes)
  bytes.set(record.signature, bytes.length - SIGNATURE_BYTES)
  return bytes
}

/**
 * The record in these bytes, as a copy. The signature is not checked. Fails below {@link OVERHEAD_BYTES}.
 *
 * @since 0.1.0
 * @category encoding
 */
export const decode = (bytes: Uint8Array): Result.Result<Record, RecordMalformed> => {
  if (bytes.length < OVERHEAD_BYTES) {
    return Result.fail(new RecordMalformed({ message: `record: ${bytes.length} bytes; at least ${OVERHEAD_BYTES}` }))
  }
  const end = bytes.length - SIGNATURE_BYTES
  return Result.succeed({
    topic: TopicId.fromBytes(bytes.subarray(0, 32)),
    unixMinute: readU64le(bytes, 32),
    publicKey: new Uint8Array(bytes.subarray(40, 72)),
    content: new Uint8Array(bytes.subarray(72, end)),
    signature: new Uint8Array(bytes.subarray(end)),
  })
}

/**
 * Succeeds if the record is for this topic and minute and its node's signature is strictly valid.
 *
 * @since 0.1.0
 * @category encoding
 */
export const verify: (
  record: Record,
  topic: TopicId,
  unixMinute: bigint,
) => Effect.Effect<void, RecordRejected, Crypto> = Effect.fnUntraced(function* (record, topic, unixMinute) {
  if (!equals(record.topic.bytes, topic.bytes)) {
    return yield* new RecordRejected({ reason: "topic", message: `topic: ${record.topic.hex}; expected ${topic.hex}` })
  }
  if (record.unixMinute !== unixMinute) {
    const message = `unixMinute: ${record.unixMinute}; expected ${unixMinute}`
    return yield* new RecordRejected({ reason: "minute", message })
  }
  const crypto = yield* Crypto
  if (!crypto.verifyStrict(record.publicKey, signedPart(record), record.signature)) {
    const message = "signature: not made by the record's node, or malleable"
    return yield* new RecordRejected({ reason: "signature", message })
  }
})

/**
 * The decoded content of a record. Fails with RecordContentInvalid.
 *
 * @since 0.1.0
 * @category operations
 */
export const content: <A>(record: Record, schema: ContentSchema<A>) => Effect.Effect<A, RecordContentInvalid> =
  Effect.fnUntraced(function* (record, schema) {
    return yield* Effect.mapError(Schema.decodeEffect(schema)(record.content), contentInvalid)
  })

/**
 * The endpoint id of the node that made the record.
 *
 * @since 0.1.0
 * @category operations
 */
export const endpointId = (record: Record): EndpointId.EndpointId => EndpointId.fromBytes(record.publicKey)

type Unsigned = Omit<Record, "signature">

const signedPart = (record: Unsigned): Uint8Array => {
  const bytes = new Uint8Array(OVERHEAD_BYTES - SIGNATURE_BYTES + record.content.length)
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
