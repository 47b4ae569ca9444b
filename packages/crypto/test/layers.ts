/** The implementations that must give the same bytes. */
import * as nodeCrypto from "node:crypto"
import { Crypto } from "@topic-tracker/crypto"
import { Effect, Layer } from "effect"
import { nativeAead, nobleAead } from "../src/native/aead.ts"
import { bestKeys, derKeys } from "../src/native/keys.ts"
import * as Native from "../src/native/make.ts"
import { systemRandom } from "../src/platform.ts"

/** The native layer of a Node without raw key formats. */
const layerNativeDer = Layer.sync(Crypto, () =>
  Native.make(nodeCrypto, derKeys(nodeCrypto), nativeAead(nodeCrypto), systemRandom),
)

/** The native layer of a runtime whose node:crypto lacks ChaCha20-Poly1305, such as Bun. */
const layerNativeNobleAead = Layer.effect(
  Crypto,
  Effect.map(Effect.promise(nobleAead), (aead) => Native.make(nodeCrypto, bestKeys(nodeCrypto), aead, systemRandom)),
)

export const layers: ReadonlyArray<readonly [string, Layer.Layer<Crypto>]> = [
  ["native", Crypto.layerNative()],
  ["native with DER keys", layerNativeDer],
  ["native with the AEAD of @noble/ciphers", layerNativeNobleAead],
  ["portable", Crypto.layerPortable()],
]
