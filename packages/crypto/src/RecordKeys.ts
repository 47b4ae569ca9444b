/**
 * The keys of a topic's minute: where its records are stored in the DHT and the key they are sealed for. A node that knows the
 * topic can derive the first; the others need the secret, too. Derived keys are cached, so that a layer of Crypto prepares
 * each key once.
 * Source: distributed-topic-tracker 0.3.5 `src/crypto/keys.rs`; the second slot is ours (PROTOCOL.md).
 */
import { BoundedMap } from "@topic-tracker/common/BoundedMap"
import { equals, u64le } from "@topic-tracker/common/Bytes"
import { Clock, Effect, Redacted } from "effect"
import type { CryptoService, SigningKey } from "./CryptoService.ts"
import { sha512Half } from "./hash.ts"
import { ClockBeforeEpoch } from "./RecordError.ts"
import type { RotationInput, SecretRotation } from "./SecretRotation.ts"
import type { TopicId } from "./TopicId.ts"

/**
 * The current minute by Effect's Clock: whole minutes since the Unix epoch, a u64. It is the time slot of records.
 *
 * @since 0.1.0
 * @category operations
 */
export const unixMinute: Effect.Effect<bigint, ClockBeforeEpoch> = Effect.flatMap(Clock.currentTimeMillis, (ms) =>
  ms >= 0
    ? Effect.succeed(BigInt(Math.floor(ms / 60_000)))
    : Effect.fail(new ClockBeforeEpoch({ message: "the time of day is before 1970; set the clock of this host" })),
)

/**
 * The key and salt of the BEP 44 items that hold a topic's records of one minute.
 *
 * @since 0.1.0
 * @category models
 */
export interface DhtKeys {
  /** Signs the mutable item. The same for every node that knows the topic. */
  readonly signingKey: SigningKey
  /** 32 bytes. */
  readonly salt: Uint8Array
}

/**
 * Derives the keys of a topic's minutes. Make one with `RecordKeys.make`.
 *
 * @since 0.1.0
 * @category models
 */
export interface RecordKeys {
  /** The key and salt under which the records of a topic's minute are stored. The minute is a u64. */
  readonly dht: (topic: TopicId, unixMinute: bigint) => DhtKeys
  /** The same for the minute's second slot, which a node finds only if it knows the secret. */
  readonly secondDht: (input: RotationInput) => DhtKeys
  /**
   * The key that the records of a topic's minute are sealed for. Asks SecretRotation on every call. Dies with a RangeError if
   * the rotation does not give 32 bytes.
   */
  readonly encryption: (input: RotationInput) => Effect.Effect<SigningKey>
}

/**
 * Makes {@link RecordKeys}.
 *
 * @since 0.1.0
 * @category constructors
 */
export const RecordKeys = {
  /** `capacity` is the number of minutes, of all topics together, whose derived keys are cached. */
  make: (crypto: CryptoService, rotation: SecretRotation["Service"], capacity = 512): RecordKeys => {
    const dhtKeys = new BoundedMap<string, DhtKeys>(capacity)
    const secondDhtKeys = new BoundedMap<string, DhtKeys>(capacity)
    const encryptionKeys = new BoundedMap<string, SigningKey>(capacity)
    return {
      dht: (topic, unixMinute) =>
        cached(dhtKeys, cacheKey(topic, unixMinute), () => deriveDhtKeys(crypto, topic, unixMinute)),
      secondDht: (input) => {
        const seed = secondSeed(input)
        const make = () => deriveSecondDhtKeys(crypto, input, seed)
        const isCurrent = ({ signingKey }: DhtKeys) => equals(Redacted.value(signingKey.seed), seed)
        return cached(secondDhtKeys, cacheKey(input.topic, input.unixMinute), make, isCurrent)
      },
      encryption: (input) =>
        Effect.map(rotation.encryptionSeed(input), (seed) => {
          // Compared, not part of the cache key: two secrets may share topic and minute, and no secret becomes a Map's key.
          const isCurrent = (key: SigningKey) => equals(Redacted.value(key.seed), Redacted.value(seed))
          const make = () => crypto.signingKey(seed)
          return cached(encryptionKeys, cacheKey(input.topic, input.unixMinute), make, isCurrent)
        }),
    }
  },
}

const cacheKey = (topic: TopicId, unixMinute: bigint): string => `${topic.hex}:${unixMinute}`

/** The cached value, or a new one if there is none or it is out of date. */
const cached = <A>(cache: BoundedMap<string, A>, key: string, make: () => A, isCurrent = (_: A) => true): A => {
  const found = cache.get(key)
  if (found !== undefined && isCurrent(found)) return found
  const made = make()
  cache.set(key, made)
  return made
}

const SALT_PREFIX = new TextEncoder().encode("salt")

const deriveDhtKeys = (crypto: CryptoService, topic: TopicId, unixMinute: bigint): DhtKeys => {
  const minute = u64le(unixMinute)
  return {
    signingKey: crypto.signingKey(Redacted.make(sha512Half(topic.bytes, minute), { label: "dhtSeed" })),
    salt: sha512Half(SALT_PREFIX, topic.bytes, minute),
  }
}

const SECOND_PREFIX = new TextEncoder().encode("members")
const SECOND_SALT_PREFIX = new TextEncoder().encode("members salt")

const secondSeed = (input: RotationInput): Uint8Array => hashOfMembers(SECOND_PREFIX, input)

const hashOfMembers = (prefix: Uint8Array, { topic, unixMinute, initialSecretHash }: RotationInput): Uint8Array =>
  sha512Half(prefix, topic.bytes, u64le(unixMinute), Redacted.value(initialSecretHash))

const deriveSecondDhtKeys = (crypto: CryptoService, input: RotationInput, seed: Uint8Array): DhtKeys => ({
  signingKey: crypto.signingKey(Redacted.make(seed, { label: "secondDhtSeed" })),
  salt: hashOfMembers(SECOND_SALT_PREFIX, input),
})
