/**
 * A topic's keys for the few minutes in use. A prepared key takes some kilobytes, and a process may hold hundreds of topics for weeks: so
 * a topic keeps the keys of its last minutes only. The hash of the secret goes no further than this file.
 */
import { Crypto, type DhtKeys, RecordKeys, SecretRotation, type SigningKey, type TopicId } from "@topic-tracker/crypto"
import { Effect, type Redacted } from "effect"

/** The keys of one minute. */
export interface MinuteKeys {
  /** The key and salt under which its records are stored. */
  readonly dht: DhtKeys
  /** The same of its second slot, which only members find. Derived when it is read: most topics never use it. */
  readonly secondDht: DhtKeys
  /** The key that its records are sealed for. Asks the SecretRotation every time, and is the same object until that gives another seed. */
  readonly encryption: Effect.Effect<SigningKey>
}

/**
 * The keys by minute, a u64.
 *
 * @since 0.1.0
 * @category models
 */
export type KeysOfMinute = (unixMinute: bigint) => MinuteKeys

/** The minute before, the current one and the next are in use around a change of minute; one more for older lookups. */
const KEPT_MINUTES = 4

/** The keys of a topic. */
export const makeMinuteKeys = (
  topic: TopicId,
  initialSecretHash: Redacted.Redacted<Uint8Array>,
): Effect.Effect<KeysOfMinute, never, Crypto | SecretRotation> =>
  Effect.gen(function* () {
    const keys = RecordKeys.make(yield* Crypto, yield* SecretRotation, KEPT_MINUTES)
    return (unixMinute) => ({
      dht: keys.dht(topic, unixMinute),
      get secondDht() {
        return keys.secondDht({ topic, unixMinute, initialSecretHash })
      },
      encryption: keys.encryption({ topic, unixMinute, initialSecretHash }),
    })
  })
