/**
 * The keys of a topic's minute: where its records lie in the DHT and whom they are sealed for. Everyone who knows the topic
 * can derive the first, everyone who knows the secret too the second. Derived keys are kept for the last few hundred
 * minutes asked for, so that the layers of Crypto prepare each once.
 * Source: distributed-topic-tracker `src/crypto/keys.rs`; the target is BEP 44's.
 */
import { sha1 } from "@noble/hashes/legacy.js"
import { concat, equals, u64le } from "@topic-tracker/common/Bytes"
import { Context, Effect, Layer, Redacted } from "effect"
import { Crypto } from "./Crypto.ts"
import { sha512Half } from "./hash.ts"
import { type RotationInput, SecretRotation } from "./SecretRotation.ts"
import type { SigningKey } from "./SigningKey.ts"
import type { TopicId } from "./TopicId.ts"

/** Where a topic's records of one minute lie. */
export interface DhtKeys {
  /** Signs the mutable item: the same for everyone who knows the topic. */
  readonly signingKey: SigningKey
  /** 32 bytes. */
  readonly salt: Uint8Array
  /** 20 bytes: SHA-1 of public key ‖ salt (BEP 44). */
  readonly target: Uint8Array
}

/** The keys of a minute: where records lie in the DHT, and whom they are sealed for. */
export class RecordKeys extends Context.Service<
  RecordKeys,
  {
    /** Where the records of a topic's minute lie; the minute is a u64. */
    readonly dht: (topic: TopicId, unixMinute: bigint) => DhtKeys
    /**
     * Whom the records of a topic's minute are sealed for. Asks SecretRotation each time; dies with a RangeError when that
     * gives no 32 bytes.
     */
    readonly encryption: (input: RotationInput) => Effect.Effect<SigningKey>
  }
>()("@topic-tracker/crypto/RecordKeys") {
  /** The service over these; `remembered` is for how many minutes asked for, of all topics, derived keys are kept. */
  static readonly make = (
    crypto: Crypto["Service"],
    rotation: SecretRotation["Service"],
    remembered = 512,
  ): RecordKeys["Service"] => {
    const dhtKeys = new Map<string, DhtKeys>()
    const encryptionKeys = new Map<string, SigningKey>()
    return {
      dht: (topic, unixMinute) =>
        cached(dhtKeys, remembered, nameOf(topic, unixMinute), () => deriveDhtKeys(crypto, topic, unixMinute)),
      encryption: (input) =>
        Effect.map(rotation.encryptionSeed(input), (seed) => {
          const name = nameOf(input.topic, input.unixMinute)
          // Compared, not used as a name: two secrets may share topic and minute, and no secret becomes a Map's key.
          const isCurrent = (key: SigningKey) => equals(Redacted.value(key.seed), Redacted.value(seed))
          return cached(encryptionKeys, remembered, name, () => crypto.signingKey(seed), isCurrent)
        }),
    }
  }

  static readonly layer: Layer.Layer<RecordKeys, never, Crypto | SecretRotation> = Layer.effect(
    RecordKeys,
    Effect.gen(function* () {
      return RecordKeys.make(yield* Crypto, yield* SecretRotation)
    }),
  )
}

const nameOf = (topic: TopicId, unixMinute: bigint): string => `${topic.hex}:${unixMinute}`

/** The value under this name, made anew when missing or out of date; the entry made longest ago gives way. */
const cached = <A>(cache: Map<string, A>, size: number, name: string, make: () => A, isCurrent = (_: A) => true): A => {
  const found = cache.get(name)
  if (found !== undefined && isCurrent(found)) return found
  const made = make()
  cache.delete(name)
  if (cache.size === size) cache.delete(cache.keys().next().value!)
  cache.set(name, made)
  return made
}

const saltPrefix = new TextEncoder().encode("salt")

const deriveDhtKeys = (crypto: Crypto["Service"], topic: TopicId, unixMinute: bigint): DhtKeys => {
  const minute = u64le(unixMinute)
  const signingKey = crypto.signingKey(Redacted.make(sha512Half(topic.bytes, minute), { label: "dhtSeed" }))
  const salt = sha512Half(saltPrefix, topic.bytes, minute)
  return { signingKey, salt, target: sha1(concat(signingKey.publicKey, salt)) }
}
