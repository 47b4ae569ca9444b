/**
 * The identity of this node: one Ed25519 key. It signs the node's records and is the secret key of its iroh endpoint, as in
 * the Rust crate distributed-topic-tracker: other nodes dial the public key of a record.
 */

import { fromHex } from "@topic-tracker/common/Bytes"
import { Config, Context, Effect, Layer, Redacted, Schema, SchemaIssue } from "effect"
import { Crypto } from "./Crypto.ts"
import type { CryptoService, SigningKey } from "./CryptoService.ts"
import * as EndpointId from "./EndpointId.ts"

/**
 * This node's key pair. It signs the node's records and is the key of its iroh endpoint.
 *
 * @since 0.1.0
 * @category services
 */
export class Identity extends Context.Service<
  Identity,
  {
    readonly endpointId: EndpointId.EndpointId
    readonly signingKey: SigningKey
  }
>()("@topic-tracker/crypto/Identity") {
  /**
   * A new random key. The same layer on every call: Effect builds it once for a program, so all parts share one key. Use
   * `Layer.fresh` for a second node in the same program.
   */
  static readonly layerRandom = (): Layer.Layer<Identity, never, Crypto> => random

  /** The key of a 32-byte seed: the same node on every run. Dies with a RangeError if the seed is not 32 bytes. */
  static readonly layerFromSeed = (seed: Redacted.Redacted<Uint8Array>): Layer.Layer<Identity, never, Crypto> =>
    Layer.effect(
      Identity,
      Effect.map(Crypto, (crypto) => fromSeed(crypto, seed)),
    )

  /** The key of the seed that the configuration has under this name, as 64 hex digits. */
  static readonly layerConfig = (name = "IDENTITY_SEED"): Layer.Layer<Identity, Config.ConfigError, Crypto> =>
    Layer.effect(
      Identity,
      Effect.gen(function* () {
        const crypto = yield* Crypto
        return fromSeed(crypto, yield* seedConfig(name))
      }),
    )
}

const random = Layer.effect(
  Identity,
  Effect.gen(function* () {
    const crypto = yield* Crypto
    return fromSeed(crypto, Redacted.make(yield* crypto.randomBytes(32), { label: "identitySeed" }))
  }),
)

const fromSeed = (crypto: CryptoService, seed: Redacted.Redacted<Uint8Array>): Identity["Service"] => {
  const signingKey = crypto.signingKey(seed)
  return { signingKey, endpointId: EndpointId.fromBytes(signingKey.publicKey) }
}

const seedConfig = (name: string): Config.Config<Redacted.Redacted<Uint8Array>> =>
  Config.Redacted(name).pipe(
    Config.mapEffect((text) => {
      const digits = Redacted.value(text)
      return /^[0-9a-fA-F]{64}$/.test(digits)
        ? Effect.succeed(Redacted.make(fromHex(digits), { label: "identitySeed" }))
        : Effect.fail(invalidSeed(name, digits.length))
    }),
  )

/** The message has the name of the variable and the number of characters, never the value. */
const invalidSeed = (name: string, length: number): Config.ConfigError =>
  new Config.ConfigError(
    new Schema.SchemaError(
      new SchemaIssue.InvalidValue({ message: `${name}: ${length} characters; must be a seed of 64 hex digits` }),
    ),
  )
