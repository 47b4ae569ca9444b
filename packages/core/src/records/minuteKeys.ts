/**
 * A topic's keys for the few minutes in use. A prepared key takes some kilobytes, and a process may hold hundreds of topics for
 * weeks: so a topic keeps those of its last minutes only, however many minutes `RecordKeys` itself would remember.
 */
import { Crypto, type DhtKeys, RecordKeys, SecretRotation, type SigningKey, type TopicId } from "@topic-tracker/crypto"
import { Effect, type Redacted } from "effect"

/** The keys of one minute. */
export interface MinuteKeys {
  /** Where its records lie. */
  readonly dht: DhtKeys
  /** Whom they are sealed for: asked of the SecretRotation each time, and the same object for as long as that says the same. */
  readonly encryption: Effect.Effect<SigningKey>
}

/** The minute before, the current one and the next are in use around a change of minute; one more for older looks. */
const KEPT = 4

/** The keys of a topic by minute, a u64. */
export const make = (
  topic: TopicId,
  initialSecretHash: Redacted.Redacted<Uint8Array>,
): Effect.Effect<(unixMinute: bigint) => MinuteKeys, never, Crypto | SecretRotation> =>
  Effect.gen(function* () {
    const keys = RecordKeys.make(yield* Crypto, yield* SecretRotation, KEPT)
    return (unixMinute) => ({
      dht: keys.dht(topic, unixMinute),
      encryption: keys.encryption({ topic, unixMinute, initialSecretHash }),
    })
  })
