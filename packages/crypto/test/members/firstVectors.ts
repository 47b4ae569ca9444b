/** The values that the first implementation of the key schedule gave, and the keys and envelope that they belong to. */
import { Bytes } from "@topic-tracker/common"
import { type CryptoService, initialSecretHash, SecretRotation, TopicId } from "@topic-tracker/crypto"
import { MembersKeys } from "@topic-tracker/crypto/members"
import { Effect, Redacted } from "effect"

export const filled = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill)
export const MINUTE = 29_999_999

/** The keys of a topic and of one of its minutes, with the default rotation. */
export const keysOf = (crypto: CryptoService, name = "my topic", secret = "our secret", minute = MINUTE) =>
  Effect.gen(function* () {
    const topic = TopicId.fromName(name)
    const secretHash = initialSecretHash(Redacted.make(secret))
    const keys = new MembersKeys(crypto, topic, secretHash)
    const rotation = yield* SecretRotation
    const seedOf = (epoch: number) =>
      rotation.encryptionSeed({ topic, unixMinute: BigInt(epoch), initialSecretHash: secretHash })
    const epochOf = (epoch: number) => Effect.map(seedOf(epoch), (seed) => keys.epoch(epoch, seed))
    return { keys, topic, epoch: yield* epochOf(minute), epochOf }
  }).pipe(Effect.provide(SecretRotation.layer()))

export const authorOf = (crypto: CryptoService, fill = 7) => crypto.signingKey(Redacted.make(filled(32, fill)))

export const hex = Bytes.toHex
export const text = (value: string): Uint8Array => new TextEncoder().encode(value)
