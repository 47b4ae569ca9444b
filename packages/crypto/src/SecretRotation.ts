/**
 * Which secret seals the records of a minute. The default is the reference's; a user's own is a Layer over any function
 * of topic, minute and initial secret. It may change while a topic runs: it is asked anew for each minute's record.
 * Source: distributed-topic-tracker `src/crypto/keys.rs` (`SecretRotation`, `DefaultSecretRotation`).
 */

import { u64be } from "@topic-tracker/common/Bytes"
import { Context, Effect, Layer, Redacted } from "effect"
import { sha512Half } from "./hash.ts"
import type { TopicId } from "./TopicId.ts"

/** What a minute's secret follows from. */
export interface RotationInput {
  readonly topic: TopicId
  /** Whole minutes since the Unix epoch; a u64. */
  readonly unixMinute: bigint
  /** 32 bytes: SHA-512 of the user's secret, cut to 32. */
  readonly initialSecretHash: Redacted.Redacted<Uint8Array>
}

/** What every rotation starts from: SHA-512 of the user's secret, cut to 32 bytes. A string counts as its UTF-8 bytes. */
export const initialSecretHash = (secret: Redacted.Redacted<string | Uint8Array>): Redacted.Redacted<Uint8Array> => {
  const value = Redacted.value(secret)
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value
  return Redacted.make(sha512Half(bytes), { label: "initialSecretHash" })
}

/** SHA-512 of topic ‖ minute (big-endian, unlike everywhere else) ‖ initial secret hash, cut to 32. */
const defaultSeed = ({ topic, unixMinute, initialSecretHash }: RotationInput): Redacted.Redacted<Uint8Array> =>
  Redacted.make(sha512Half(topic.bytes, u64be(unixMinute), Redacted.value(initialSecretHash)), {
    label: "encryptionSeed",
  })

/** Makes each minute's secret of the topic's. All members need the same rotation. */
export class SecretRotation extends Context.Service<
  SecretRotation,
  {
    /** The 32-byte seed of the Ed25519 key that the minute's records are sealed for. */
    readonly encryptionSeed: (input: RotationInput) => Effect.Effect<Redacted.Redacted<Uint8Array>>
  }
>()("@topic-tracker/crypto/SecretRotation") {
  /** The default rotation of the crate. All nodes that set no rotation use it. The same layer on every call. */
  static readonly layer = (): Layer.Layer<SecretRotation> => defaultRotation

  /**
   * A rotation of the user's own: any function to 32 bytes, plain or as an Effect. All peers of a topic must agree on it.
   */
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

const defaultRotation = Layer.succeed(SecretRotation, {
  encryptionSeed: (input) => Effect.sync(() => defaultSeed(input)),
})
