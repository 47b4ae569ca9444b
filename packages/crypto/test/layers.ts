/** The implementations that must give the same bytes. */
import * as nodeCrypto from "node:crypto"
import { Crypto } from "@topic-tracker/crypto"
import { Layer } from "effect"
import { derKeys } from "../src/native/keys.ts"
import * as Native from "../src/native/make.ts"
import { systemRandom } from "../src/platform.ts"

/** The native layer of a Node without raw key formats. */
const layerNativeDer = Layer.sync(Crypto, () => Native.make(nodeCrypto, derKeys(nodeCrypto), systemRandom))

export const layers: ReadonlyArray<readonly [string, Layer.Layer<Crypto>]> = [
  ["native", Crypto.layerNative()],
  ["native with DER keys", layerNativeDer],
  ["portable", Crypto.layerPortable()],
]
