/**
 * The cryptographic operations that records, DHT items and members-only topics need, as one service. Two implementations give identical bytes: a
 * portable one (noble and @hpke/core, any JavaScript runtime with WebCrypto) and a native one (node:crypto, the default on
 * Node). The service holds no keys and knows no record format.
 */
import { Context, Effect, Layer } from "effect"
import type { CryptoService } from "./CryptoService.ts"
import { hasCipher, nativeAead, nobleAead } from "./native/aead.ts"
import { bestKeys } from "./native/keys.ts"
import * as Native from "./native/make.ts"
import { deterministicRandom, nodeCrypto, type RandomSource, systemRandom } from "./platform.ts"

/**
 * The cryptography of records and DHT items. Each function that gives a layer returns the same layer on every call, so Effect
 * builds it once for a program.
 *
 * @since 0.1.0
 * @category services
 */
export class Crypto extends Context.Service<Crypto, CryptoService>()("@topic-tracker/crypto/Crypto") {
  /** The native layer on a runtime with node:crypto, else the portable one. */
  static readonly layer = (): Layer.Layer<Crypto> => bestLayer

  /** node:crypto. Dies on a runtime without it. */
  static readonly layerNative = (): Layer.Layer<Crypto> => nativeLayer

  /** noble and @hpke/core: any runtime whose WebCrypto has X25519. */
  static readonly layerPortable = (): Layer.Layer<Crypto> => portableLayer

  /**
   * The operations of `layer`, with all random bytes and ephemeral keys taken from Effect's Random: a seed repeats a run to
   * the byte. For tests and simulations only.
   */
  static readonly layerTest = (): Layer.Layer<Crypto> => testLayer
}

/** Imported on first use: @hpke/core and its dependencies are a tenth of all modules, and Node needs none of them. */
const makePortable = (random: RandomSource): Effect.Effect<CryptoService> =>
  Effect.map(
    Effect.promise(() => import("./portable/make.ts")),
    ({ make }) => make(random),
  )

/** The native operations, or undefined on a runtime without node:crypto. */
const makeNative = (random: RandomSource): Effect.Effect<CryptoService> | undefined => {
  const node = nodeCrypto()
  if (node === undefined) return undefined
  const aead = hasCipher(node) ? Effect.sync(() => nativeAead(node)) : Effect.promise(nobleAead)
  return Effect.map(aead, (aead) => Native.make(node, bestKeys(node), aead, random))
}

const portableLayer = Layer.effect(Crypto, makePortable(systemRandom))

const nativeLayer = Layer.effect(
  Crypto,
  Effect.suspend(() => {
    const native = makeNative(systemRandom)
    if (native !== undefined) return native
    return Effect.die(new Error("Crypto.layerNative: this runtime has no node:crypto; use Crypto.layerPortable()"))
  }),
)

const bestLayer = Layer.suspend(() => (nodeCrypto() === undefined ? portableLayer : nativeLayer))

const testLayer = Layer.effect(
  Crypto,
  Effect.suspend(() => makeNative(deterministicRandom) ?? makePortable(deterministicRandom)),
)
