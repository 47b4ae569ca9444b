/**
 * Checks the crypto package against vectors of the Rust crate distributed-topic-tracker: keys, records, encrypted records and HPKE
 * boxes; and against those of our second slot. The dht package gives the target of a minute's DHT items.
 */
import { Bytes } from "@topic-tracker/common"
import {
  Crypto,
  EncryptedRecord,
  EndpointId,
  GossipRecordContent,
  initialSecretHash,
  Record,
  RecordKeys,
  SecretRotation,
  TopicId,
} from "@topic-tracker/crypto"
import { targetOf } from "@topic-tracker/dht"
import { Effect, Exit, Redacted, Schema } from "effect"
import type { VectorCheck, VectorReport } from "./VectorReport.ts"

/** The fields of a case that differ; empty if the case holds. */
type Mismatches = ReadonlyArray<string>

const Hex = Schema.Uint8ArrayFromHex

/** A u64: a JSON number if that is exact, else a bigint from `parseJson`. */
const U64 = Schema.Union([Schema.Int, Schema.BigInt])

const seedOf = (bytes: Uint8Array) => Redacted.make(bytes)

const differ = (field: string, actual: Uint8Array, expected: Uint8Array): Mismatches =>
  Bytes.equals(actual, expected) ? [] : [`${field} is ${Bytes.toHex(actual)}; expected ${Bytes.toHex(expected)}`]

const KeyCase = Schema.Struct({
  topic_name: Hex,
  secret: Hex,
  unix_minute: U64,
  topic_id: Hex,
  secret_hash: Hex,
  dht_seed: Hex,
  dht_public_key: Hex,
  salt: Hex,
  dht_target: Hex,
  encryption_seed: Hex,
  encryption_public_key: Hex,
})

const checkKeys = Effect.fnUntraced(function* (expected: typeof KeyCase.Type) {
  const keys = RecordKeys.make(yield* Crypto, yield* SecretRotation)
  const topic = TopicId.fromName(expected.topic_name)
  const unixMinute = BigInt(expected.unix_minute)
  const secretHash = initialSecretHash(Redacted.make(expected.secret))
  const dht = keys.dht(topic, unixMinute)
  const encryption = yield* keys.encryption({ topic, unixMinute, initialSecretHash: secretHash })
  return [
    ...differ("topic_id", topic.bytes, expected.topic_id),
    ...differ("secret_hash", Redacted.value(secretHash), expected.secret_hash),
    ...differ("dht_seed", Redacted.value(dht.signingKey.seed), expected.dht_seed),
    ...differ("dht_public_key", dht.signingKey.publicKey, expected.dht_public_key),
    ...differ("salt", dht.salt, expected.salt),
    ...differ("dht_target", targetOf(dht.signingKey.publicKey, dht.salt), expected.dht_target),
    ...differ("encryption_seed", Redacted.value(encryption.seed), expected.encryption_seed),
    ...differ("encryption_public_key", encryption.publicKey, expected.encryption_public_key),
  ]
}, Effect.provide(SecretRotation.layer()))

const SecondSlotCase = Schema.Struct({
  topic_name: Hex,
  secret: Hex,
  unix_minute: U64,
  second_seed: Hex,
  second_public_key: Hex,
  second_salt: Hex,
  second_target: Hex,
})

const checkSecondSlot = Effect.fnUntraced(function* (expected: typeof SecondSlotCase.Type) {
  const keys = RecordKeys.make(yield* Crypto, yield* SecretRotation)
  const { salt, signingKey } = keys.secondDht({
    topic: TopicId.fromName(expected.topic_name),
    unixMinute: BigInt(expected.unix_minute),
    initialSecretHash: initialSecretHash(Redacted.make(expected.secret)),
  })
  return [
    ...differ("second_seed", Redacted.value(signingKey.seed), expected.second_seed),
    ...differ("second_public_key", signingKey.publicKey, expected.second_public_key),
    ...differ("second_salt", salt, expected.second_salt),
    ...differ("second_target", targetOf(signingKey.publicKey, salt), expected.second_target),
  ]
}, Effect.provide(SecretRotation.layer()))

const RecordCase = Schema.Struct({
  topic_id: Hex,
  unix_minute: U64,
  node_seed: Hex,
  node_public_key: Hex,
  active_peers: Schema.Array(Hex),
  last_message_hashes: Schema.Array(Hex),
  record: Hex,
  signature: Hex,
})

const checkRecord = Effect.fnUntraced(function* (expected: typeof RecordCase.Type) {
  const crypto = yield* Crypto
  const topic = TopicId.fromBytes(expected.topic_id)
  const unixMinute = BigInt(expected.unix_minute)
  const content = {
    activePeers: expected.active_peers.filter(isFilled).map(EndpointId.fromBytes),
    lastMessageHashes: expected.last_message_hashes.filter(isFilled),
  }
  const signingKey = crypto.signingKey(seedOf(expected.node_seed))
  const record = yield* Record.sign({ topic, unixMinute, schema: GossipRecordContent, content, signingKey })
  const decoded = yield* Effect.fromResult(Record.decode(expected.record))
  yield* Record.verify(decoded, topic, unixMinute)
  const decodedContent = yield* Record.content(decoded, GossipRecordContent)
  return [
    ...differ("node_public_key", signingKey.publicKey, expected.node_public_key),
    ...differ("signature", record.signature, expected.signature),
    ...differ("record", Record.encode(record), expected.record),
    ...differ("record, decoded and encoded", Record.encode(decoded), expected.record),
    ...(JSON.stringify(decodedContent.activePeers) === JSON.stringify(content.activePeers)
      ? []
      : ["active_peers differ"]),
    ...(decodedContent.lastMessageHashes.map(Bytes.toHex).join() === content.lastMessageHashes.map(Bytes.toHex).join()
      ? []
      : ["last_message_hashes differ"]),
  ]
})

const isFilled = (bytes: Uint8Array): boolean => bytes.some((byte) => byte !== 0)

const EncryptedCase = Schema.Struct({ encryption_seed: Hex, encrypted_record: Hex, record: Hex })

const checkEncrypted = Effect.fnUntraced(function* (expected: typeof EncryptedCase.Type) {
  const crypto = yield* Crypto
  const key = crypto.signingKey(seedOf(expected.encryption_seed))
  const record = yield* EncryptedRecord.open(expected.encrypted_record, key)
  yield* Record.verify(record, record.topic, record.unixMinute)
  const sealed = yield* EncryptedRecord.seal(record, key)
  const reopened = yield* EncryptedRecord.open(sealed, key)
  return [
    ...differ("record", Record.encode(record), expected.record),
    ...differ("record, sealed and opened", Record.encode(reopened), expected.record),
    ...(sealed.length === expected.encrypted_record.length ? [] : [`sealed to ${sealed.length} bytes`]),
  ]
})

const RejectedCase = Schema.Struct({
  encryption_seed: Hex,
  encrypted_record: Hex,
  topic_id: Hex,
  unix_minute: U64,
  why: Schema.String,
})

const checkRejected = Effect.fnUntraced(function* (rejected: typeof RejectedCase.Type) {
  const crypto = yield* Crypto
  const opened = yield* Effect.result(
    EncryptedRecord.openVerified(rejected.encrypted_record, {
      encryptionKey: crypto.signingKey(seedOf(rejected.encryption_seed)),
      topic: TopicId.fromBytes(rejected.topic_id),
      unixMinute: BigInt(rejected.unix_minute),
    }),
  )
  return opened._tag === "Failure" ? [] : [`accepted; must be rejected (${rejected.why})`]
})

const BoxCase = Schema.Struct({ recipient_seed: Hex, recipient_public_key: Hex, plaintext: Hex, sealed: Hex })

const checkBox = Effect.fnUntraced(function* (expected: typeof BoxCase.Type) {
  const crypto = yield* Crypto
  const key = crypto.signingKey(seedOf(expected.recipient_seed))
  const toKey = yield* crypto.seal(key, expected.plaintext)
  const toPublicKey = yield* crypto.seal(expected.recipient_public_key, expected.plaintext)
  return [
    ...differ("recipient_public_key", key.publicKey, expected.recipient_public_key),
    ...differ("plaintext", yield* crypto.open(key, expected.sealed), expected.plaintext),
    ...differ("plaintext, sealed and opened", yield* crypto.open(key, toKey), expected.plaintext),
    ...differ("plaintext, sealed for the public key", yield* crypto.open(key, toPublicKey), expected.plaintext),
  ]
})

/** Checks the cases of one list, each on its own: a failure or defect in a case is a mismatch of that case. */
const checkAll = Effect.fnUntraced(function* <A, E>(
  label: string,
  cases: ReadonlyArray<A>,
  check: (expected: A) => Effect.Effect<Mismatches, E, Crypto>,
) {
  const failed: Array<string> = []
  for (const [index, expected] of cases.entries()) {
    const mismatches = yield* Effect.exit(Effect.suspend(() => check(expected)))
    if (Exit.isFailure(mismatches)) failed.push(`${label}[${index}]: ${mismatches.cause}`)
    else if (mismatches.value.length > 0) failed.push(`${label}[${index}]: ${mismatches.value.join("; ")}`)
  }
  return { passed: cases.length - failed.length, failed }
})

const combine = (a: VectorReport, b: VectorReport): VectorReport => ({
  passed: a.passed + b.passed,
  failed: [...a.failed, ...b.failed],
})

const casesOf = <S extends Schema.Top>(item: S) => Schema.Struct({ cases: Schema.Array(item) })

const EncryptedFile = Schema.Struct({
  cases: Schema.Array(EncryptedCase),
  rejected: Schema.optionalKey(Schema.Array(RejectedCase)),
})

/** The check of each file of vectors, by file name. All but `second-slot.json` were made by the crate. */
export const cryptoVectors: Readonly<globalThis.Record<string, VectorCheck>> = {
  "keys.json": Effect.fnUntraced(function* (json: unknown) {
    const { cases } = yield* Schema.decodeUnknownEffect(casesOf(KeyCase))(json)
    return yield* checkAll("cases", cases, checkKeys)
  }),
  "second-slot.json": Effect.fnUntraced(function* (json: unknown) {
    const { cases } = yield* Schema.decodeUnknownEffect(casesOf(SecondSlotCase))(json)
    return yield* checkAll("cases", cases, checkSecondSlot)
  }),
  "records.json": Effect.fnUntraced(function* (json: unknown) {
    const { cases } = yield* Schema.decodeUnknownEffect(casesOf(RecordCase))(json)
    return yield* checkAll("cases", cases, checkRecord)
  }),
  "encrypted-records.json": Effect.fnUntraced(function* (json: unknown) {
    const { cases, rejected = [] } = yield* Schema.decodeUnknownEffect(EncryptedFile)(json)
    const opened = yield* checkAll("cases", cases, checkEncrypted)
    return combine(opened, yield* checkAll("rejected", rejected, checkRejected))
  }),
  "hpke.json": Effect.fnUntraced(function* (json: unknown) {
    const { cases } = yield* Schema.decodeUnknownEffect(casesOf(BoxCase))(json)
    return yield* checkAll("cases", cases, checkBox)
  }),
}
