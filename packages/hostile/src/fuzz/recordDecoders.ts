/** Decoders of what the DHT's items hold: records and address packets. */
import { Pkarr, TopicRecordContent } from "@topic-tracker/core"
import { Crypto, EncryptedRecord, EndpointId, Record, RecordKeys, SecretRotation, TopicId } from "@topic-tracker/crypto"
import type { Protocol } from "@topic-tracker/gossip"
import { Cause, Effect, Exit, Redacted, Result, Schema } from "effect"
import { endpointKey } from "../attacker/frames.ts"
import { type Decoder, kindOfMessage, magnitude, sameBytes } from "./Decoder.ts"
import { pick, randomBytes } from "./mutate.ts"

type Rng = Protocol.Rng

const decodeContent = Schema.decodeUnknownEffect(TopicRecordContent)
const encodeContent = Schema.encodeEffect(TopicRecordContent)

/** The result of an effect that does not wait. A defect is thrown: it is a bug. */
const resultOf = <A, E extends { readonly message: string }>(effect: Effect.Effect<A, E>): Result.Result<A, E> => {
  const exit = Effect.runSyncExit(effect)
  if (Exit.isSuccess(exit)) return Result.succeed(exit.value)
  const failure = exit.cause.reasons.find(Cause.isFailReason)
  if (failure === undefined) throw Cause.squash(exit.cause)
  return Result.fail(failure.error)
}

const content = (rng: Rng): typeof TopicRecordContent.Type => ({
  activePeers: Array.from({ length: rng.nextInt(6) }, () => (rng.nextInt(8) === 0 ? unknownKey(rng) : pick(rng, KEYS))),
  lastMessageHashes: Array.from({ length: rng.nextInt(6) }, () => filled(rng)),
  ...(rng.nextInt(2) === 0
    ? {}
    : {
        address: {
          relayUrl: rng.nextInt(3) === 0 ? "https://relay.example./" : undefined,
          direct: Array.from(
            { length: 1 + rng.nextInt(4) },
            () => `${1 + rng.nextInt(120)}.1.${rng.nextInt(256)}.1:${1 + rng.nextInt(65_535)}`,
          ),
        },
      }),
})

/** Points of the curve. Whether an unknown key is one takes a square root, which costs more than all the rest. */
const KEYS = Array.from({ length: 32 }, () => EndpointId.fromBytes(endpointKey()))

const KEY_BYTES = 32
const MAX_PEERS = 5

const unknownKey = (rng: Rng) => EndpointId.fromBytes(filled(rng))

/** Not all zero: such slots are empty. */
const filled = (rng: Rng): Uint8Array => {
  const bytes = randomBytes(rng, 32)
  bytes[0]! |= 1
  return bytes
}

const encodedContent = (rng: Rng): Uint8Array => Effect.runSync(encodeContent(content(rng)))

export const recordContent: Decoder = {
  name: "record-content",
  about: "the content of a topic's record",
  generate: encodedContent,
  // Every second mutant names known points only.
  repair: (bytes) => {
    const copy = bytes.slice()
    for (let i = 0; i < MAX_PEERS && copy.length >= KEY_BYTES * MAX_PEERS; i++)
      copy.set(EndpointId.bytes(KEYS[i]!), i * KEY_BYTES)
    return copy
  },
  decode: (bytes) => {
    const decoded = resultOf(decodeContent(bytes))
    if (Result.isFailure(decoded)) return { _tag: "refused", kind: kindOfMessage(decoded.failure.message) }
    const value = decoded.success
    const { activePeers, address, lastMessageHashes } = value
    return {
      _tag: "value",
      kind: `${activePeers.length} ${lastMessageHashes.length} ${address === undefined ? "-" : magnitude(address.direct.length)}`,
      again: () => {
        const encoded = resultOf(encodeContent(value))
        if (Result.isFailure(encoded)) return `it does not encode: ${encoded.failure.message}`
        const second = resultOf(decodeContent(encoded.success))
        if (Result.isFailure(second)) return `it does not decode again: ${second.failure.message}`
        const third = resultOf(encodeContent(second.success))
        return Result.isSuccess(third) && sameBytes(third.success, encoded.success)
          ? undefined
          : "the content is not the same"
      },
    }
  },
}

const TOPIC = TopicId.fromName("fuzzing")
const MINUTE = 29_000_000n

export const record: Decoder = {
  name: "record",
  about: "records after they are opened",
  generate: (rng) =>
    Record.encode({
      topic: TOPIC,
      unixMinute: MINUTE,
      publicKey: randomBytes(rng, 32),
      content: encodedContent(rng),
      signature: randomBytes(rng, 64),
    }),
  decode: (bytes) => {
    const decoded = Record.decode(bytes)
    if (Result.isFailure(decoded)) return { _tag: "refused", kind: kindOfMessage(decoded.failure.message) }
    return {
      _tag: "value",
      kind: `record ${magnitude(bytes.length)}`,
      again: () => (sameBytes(Record.encode(decoded.success), bytes) ? undefined : "the record is not the same"),
    }
  },
}

const withCrypto = Effect.provide(Crypto.layer())

const keys = Effect.runSync(
  Effect.gen(function* () {
    const crypto = yield* Crypto
    const rotation = yield* Effect.provide(SecretRotation, SecretRotation.layer())
    const minuteKeys = RecordKeys.make(crypto, rotation)
    const encryptionKey = yield* minuteKeys.encryption({
      topic: TOPIC,
      unixMinute: MINUTE,
      initialSecretHash: Redacted.make(new Uint8Array(32)),
    })
    return { crypto, encryptionKey, signingKey: crypto.signingKey(Redacted.make(new Uint8Array(32).fill(7))) }
  }).pipe(withCrypto),
)

export const sealedRecord: Decoder = {
  name: "sealed-record",
  about: "records as the DHT holds them: opened and verified",
  part: 0.05,
  generate: (rng) =>
    Effect.runSync(
      Effect.gen(function* () {
        const signed = yield* Record.sign({
          topic: TOPIC,
          unixMinute: MINUTE,
          schema: TopicRecordContent,
          content: content(rng),
          signingKey: keys.signingKey,
        })
        return yield* EncryptedRecord.seal(signed, keys.encryptionKey)
      }).pipe(Effect.provideService(Crypto, keys.crypto)),
    ),
  decode: (bytes) => {
    const opened = resultOf(
      EncryptedRecord.openVerified(bytes, { encryptionKey: keys.encryptionKey, topic: TOPIC, unixMinute: MINUTE }).pipe(
        Effect.provideService(Crypto, keys.crypto),
      ),
    )
    return Result.isSuccess(opened)
      ? { _tag: "value", kind: "record" }
      : { _tag: "refused", kind: `${opened.failure._tag} ${kindOfMessage(opened.failure.message)}` }
  },
}

const ENDPOINT = EndpointId.fromBytes(endpointKey())

export const pkarr: Decoder = {
  name: "pkarr",
  about: "the packets in which endpoints publish their addresses",
  generate: (rng) =>
    Pkarr.encode(ENDPOINT, {
      relayUrl: rng.nextInt(2) === 0 ? `https://relay${rng.nextInt(9)}.example./` : undefined,
      direct: Array.from(
        { length: 1 + rng.nextInt(8) },
        () => `${1 + rng.nextInt(120)}.1.${rng.nextInt(256)}.1:${1 + rng.nextInt(65_535)}`,
      ),
      ...(rng.nextInt(3) === 0 ? { userData: `data ${rng.nextInt(100)}` } : {}),
    }) ?? new Uint8Array(0),
  decode: (bytes) => {
    const info = Pkarr.decode(ENDPOINT, bytes)
    if (info === undefined) return { _tag: "refused", kind: `no packet ${magnitude(bytes.length)}` }
    return {
      _tag: "value",
      kind: `${info.relayUrl === undefined ? "" : "relay "}${info.userData === undefined ? "" : "data "}${magnitude(info.direct.length)}`,
      again: () => {
        const encoded = Pkarr.encode(ENDPOINT, info)
        // Nothing to publish, or one string longer than the format allows.
        if (encoded === undefined) return undefined
        const second = Pkarr.decode(ENDPOINT, encoded)
        if (second === undefined) return "what was encoded does not decode"
        const third = Pkarr.encode(ENDPOINT, second)
        return third !== undefined && sameBytes(third, encoded) ? undefined : "the packet is not the same"
      },
    }
  },
}
