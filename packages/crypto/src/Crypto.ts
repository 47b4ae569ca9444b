/**
 * The cryptographic operations that records and DHT items need, as one service with two layers of identical bytes: a
 * portable one (noble and @hpke/core, any JavaScript runtime with WebCrypto) and a native one (node:crypto, the default on
 * Node). It holds no keys and knows no record format.
 */
import { Context, Effect, Layer, type Redacted } from "effect"
import type { OpenError, SealError } from "./CryptoError.ts"
import { bestKeys } from "./native/keys.ts"
import * as Native from "./native/make.ts"
import { nodeCrypto } from "./native/nodeCrypto.ts"
import * as RandomSource from "./random.ts"
import type { SigningKey } from "./SigningKey.ts"

/** The cryptography that records are made of. All layers agree on every byte. */
export class Crypto extends Context.Service<
  Crypto,
  {
    /** The Ed25519 key pair of a 32-byte seed. Throws a RangeError when it is not 32 bytes. */
    readonly signingKey: (seed: Redacted.Redacted<Uint8Array>) => SigningKey
    /** The 64-byte Ed25519 signature. */
    readonly sign: (key: SigningKey, message: Uint8Array) => Uint8Array
    /** Whether the signature holds (RFC 8032, canonical S, cofactorless). BEP 44 items use it. Never throws. */
    readonly verify: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean
    /** As `verify`, and refuses a small-order public key or R (ed25519-dalek `verify_strict`). Records use it. */
    readonly verifyStrict: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean
    /**
     * An HPKE box (RFC 9180 base mode; layout of ed25519-dalek-hpke 0.0.5) for the holder of an Ed25519 key: 56 bytes longer
     * than the plaintext. The recipient is a 32-byte public key or, faster where its seed is known, the key pair itself.
     */
    readonly seal: (recipient: SigningKey | Uint8Array, plaintext: Uint8Array) => Effect.Effect<Uint8Array, SealError>
    /** The plaintext of a box sealed for this key. */
    readonly open: (recipient: SigningKey, box: Uint8Array) => Effect.Effect<Uint8Array, OpenError>
    /** Bytes fit for keys: from the system's generator, or from Effect's Random in the deterministic test layer. */
    readonly randomBytes: (length: number) => Effect.Effect<Uint8Array>
  }
>()("@topic-tracker/crypto/Crypto") {
  /** The native layer on a runtime with node:crypto, else the portable one. The same layer on every call, so it is built once. */
  static readonly layer = (): Layer.Layer<Crypto> => best

  /** node:crypto. Dies on a runtime without it. */
  static readonly layerNative = (): Layer.Layer<Crypto> => native

  /** noble and @hpke/core: any runtime whose WebCrypto has X25519. */
  static readonly layerPortable = (): Layer.Layer<Crypto> => portable

  /**
   * The operations of `layer`, with all random bytes and ephemeral keys taken from Effect's Random: a seed repeats a run to
   * the byte. For tests and simulations only.
   */
  static readonly layerTest = (): Layer.Layer<Crypto> => test
}

/** Imported on first use: @hpke/core and its dependencies are a tenth of all modules, and Node needs none of them. */
const makePortable = (random: RandomSource.RandomSource): Effect.Effect<Crypto["Service"]> =>
  Effect.map(
    Effect.promise(() => import("./portable/make.ts")),
    ({ make }) => make(random),
  )

const portable = Layer.effect(Crypto, makePortable(RandomSource.system))

const native = Layer.effect(
  Crypto,
  Effect.suspend(() => {
    const node = nodeCrypto()
    return node === undefined
      ? Effect.die(new Error("Crypto.layerNative: this runtime has no node:crypto; use Crypto.layerPortable"))
      : Effect.succeed(Native.make(node, bestKeys(node), RandomSource.system))
  }),
)

const best = Layer.suspend(() => (nodeCrypto() === undefined ? portable : native))

const test = Layer.effect(
  Crypto,
  Effect.suspend(() => {
    const node = nodeCrypto()
    return node === undefined
      ? makePortable(RandomSource.deterministic)
      : Effect.succeed(Native.make(node, bestKeys(node), RandomSource.deterministic))
  }),
)
