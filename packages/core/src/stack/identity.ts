/** The key of a node, as its maker gives it or not. */
import { type Crypto, Identity } from "@topic-tracker/crypto"
import { Effect, Layer, Redacted } from "effect"
import { TopicConfigError } from "../config/TopicConfig.ts"

/** The seed of an Ed25519 key, 32 bytes. */
export type IdentitySeed = Redacted.Redacted<Uint8Array> | Uint8Array

/** The key of this seed, or a new one. Fails, without telling the bytes, when these are not 32. */
export const identityLayer = (seed: IdentitySeed | undefined): Layer.Layer<Identity, TopicConfigError, Crypto> => {
  // Fresh: two nodes built in one place must not share one key.
  if (seed === undefined) return Layer.fresh(Identity.layerRandom())
  const redacted = Redacted.isRedacted(seed) ? seed : Redacted.make(seed)
  const bytes: unknown = Redacted.value(redacted)
  if (bytes instanceof Uint8Array && bytes.length === 32) return Identity.layerFromSeed(redacted)
  const value = bytes instanceof Uint8Array ? `${bytes.length} bytes` : `a ${typeof bytes}`
  const error = new TopicConfigError({ issues: [{ option: "identity", value, expected: "32 bytes" }] })
  return Layer.effect(Identity, Effect.fail(error))
}
