/**
 * Which secret seals the records of a minute. The default is the reference's; a user's own is a Layer over any function
 * of topic, minute and initial secret. It may change while a topic runs: it is asked anew for each minute's record.
 */
import { Context, type Effect, type Redacted } from "effect"
import type { TopicId } from "./TopicId.ts"

export interface RotationInput {
  readonly topic: TopicId
  /** Whole minutes since the Unix epoch; a u64. */
  readonly unixMinute: bigint
  /** 32 bytes: SHA-512 of the user's secret, cut to 32. */
  readonly initialSecretHash: Redacted.Redacted<Uint8Array>
}

export class SecretRotation extends Context.Service<
  SecretRotation,
  {
    /** The 32-byte seed of the Ed25519 key that the minute's records are sealed for. */
    readonly encryptionSeed: (input: RotationInput) => Effect.Effect<Redacted.Redacted<Uint8Array>>
  }
>()("@topic-tracker/crypto/SecretRotation") {}
