/**
 * The secret that seals the records of a minute. The default rotation is that of the crate; `layerFrom` makes one from a function
 * of topic, minute and initial secret. The function may change its answer while a topic runs: it is called for each record.
 * Source: distributed-topic-tracker 0.3.5 `src/crypto/keys.rs` (`SecretRotation`, `DefaultSecretRotation`).
 */

import { Context, Effect, Layer, Redacted } from "effect"
import { sha512Half } from "./hash.ts"
import type { TopicId } from "./TopicId.ts"
import { TopicSecrets } from "./TopicSecrets.ts"

/**
 * The input of a rotation.
 *
 * @since 0.1.0
 * @category options
 */
export interface RotationInput {
  readonly topic: TopicId
  /** Whole minutes since the Unix epoch; a u64. */
  readonly unixMinute: bigint
  /** 32 bytes, from {@link initialSecretHash}. */
  readonly initialSecretHash: Redacted.Redacted<Uint8Array>
}

/**
 * The first 32 bytes of SHA-512 of the user's secret; of a string, its UTF-8 bytes. Call it once where the secret is given, and
 * pass on only the hash: no code below needs the secret itself.
 *
 * @since 0.1.0
 * @category operations
 */
export const initialSecretHash = (secret: Redacted.Redacted<string | Uint8Array>): Redacted.Redacted<Uint8Array> => {
  const value = Redacted.value(secret)
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value
  return Redacted.make(sha512Half(bytes), { label: "initialSecretHash" })
}

/**
 * Derives the secret of each minute. All nodes of a topic need the same rotation.
 *
 * @since 0.1.0
 * @category services
 */
export class SecretRotation extends Context.Service<
  SecretRotation,
  {
    /** The 32-byte seed of the Ed25519 key that the minute's records are sealed for. */
    readonly encryptionSeed: (input: RotationInput) => Effect.Effect<Redacted.Redacted<Uint8Array>>
    /** The secrets that replaced initial ones. Undefined if the rotation has its own rule for that. */
    readonly secrets?: TopicSecrets | undefined
  }
>()("@topic-tracker/crypto/SecretRotation") {
  /**
   * The default rotation of the crate. All nodes that set no rotation use it. Each call makes a layer with `secrets` of its own: until one is
   * added, all are the same rotation.
   */
  static readonly layer = (): Layer.Layer<SecretRotation> =>
    Layer.sync(SecretRotation, () => {
      const secrets = new TopicSecrets()
      return { secrets, encryptionSeed: (input) => Effect.sync(() => secrets.seed(input)) }
    })

  /** A custom rotation: a function that returns 32 bytes, directly or as an Effect. */
  static readonly layerFrom = (
    encryptionSeed: (
      input: RotationInput,
    ) => Redacted.Redacted<Uint8Array> | Effect.Effect<Redacted.Redacted<Uint8Array>>,
  ): Layer.Layer<SecretRotation> =>
    Layer.succeed(SecretRotation, {
      encryptionSeed: (input) =>
        Effect.suspend(() => {
          const seed = encryptionSeed(input)
          return Effect.isEffect(seed) ? seed : Effect.succeed(seed)
        }),
    })
}
