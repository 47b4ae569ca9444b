/**
 * A topic's keys for the few minutes in use. A prepared key takes some kilobytes, and a process may hold hundreds of topics for
 * weeks: so a topic keeps those of its last minutes only, however many minutes `RecordKeys` itself would remember.
 */
import {
  type Crypto,
  type DhtKeys,
  RecordKeys,
  type SecretRotation,
  type SigningKey,
  type TopicId,
} from "@topic-tracker/crypto"
import { Effect, Layer, type Redacted } from "effect"

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
export const make = Effect.fnUntraced(function* (
  topic: TopicId,
  initialSecretHash: Redacted.Redacted<Uint8Array>,
): Effect.fn.Return<(unixMinute: bigint) => Effect.Effect<MinuteKeys>, never, Crypto | SecretRotation> {
  const services = yield* Effect.context<Crypto | SecretRotation>()
  const kept = new Map<bigint, MinuteKeys>()

  const derive = Effect.fnUntraced(
    function* (unixMinute: bigint) {
      const keys = yield* RecordKeys
      const derived: MinuteKeys = {
        dht: keys.dht(topic, unixMinute),
        encryption: keys.encryption({ topic, unixMinute, initialSecretHash }),
      }
      if (kept.size >= KEPT) kept.delete(kept.keys().next().value!)
      kept.set(unixMinute, derived)
      return derived
    },
    Effect.provide(Layer.fresh(RecordKeys.layer)),
    Effect.provideContext(services),
  )

  return (unixMinute) =>
    Effect.suspend(() => {
      const known = kept.get(unixMinute)
      return known === undefined ? derive(unixMinute) : Effect.succeed(known)
    })
})
