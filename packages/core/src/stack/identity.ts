/** The key of a node: from a seed that the program gives, or random. */
import { type Crypto, Identity } from "@topic-tracker/crypto"
import { Effect, Layer, Redacted } from "effect"
import { TopicConfigError } from "../config/TopicConfig.ts"

/**
 * The seed of an Ed25519 key, 32 bytes.
 *
 * @since 0.1.0
 * @category models
 */
export type IdentitySeed = Redacted.Redacted<Uint8Array> | Uint8Array

/** Options with a copy of their seed, so that the caller may clear its own bytes as soon as the call returns. */
export const withOwnSeed = <O extends { readonly identity?: IdentitySeed }>(options: O): O => {
  const { identity } = options
  const bytes: unknown = Redacted.isRedacted(identity) ? Redacted.value(identity) : identity
  return bytes instanceof Uint8Array
    ? { ...options, identity: Redacted.make(Uint8Array.from(bytes), { label: "identitySeed" }) }
    : options
}

/** The key of this seed, or a new one. Fails when the seed is not 32 bytes; the error does not show the bytes. */
export const identityLayer = (seed: IdentitySeed | undefined): Layer.Layer<Identity, TopicConfigError, Crypto> => {
  // Fresh: two nodes built in one place must not share one key.
  if (seed === undefined) return Layer.fresh(Identity.layerRandom())
  const redacted = Redacted.isRedacted(seed) ? seed : Redacted.make(seed, { label: "identitySeed" })
  const bytes: unknown = Redacted.value(redacted)
  if (bytes instanceof Uint8Array && bytes.length === 32) return Identity.layerFromSeed(redacted)
  const value = bytes instanceof Uint8Array ? `${bytes.length} bytes` : `a ${typeof bytes}`
  const error = new TopicConfigError({ issues: [{ option: "identity", value, expected: "32 bytes" }] })
  return Layer.effect(Identity, Effect.fail(error))
}
