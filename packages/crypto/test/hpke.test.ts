import * as nodeCrypto from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Bytes } from "@topic-tracker/common"
import { Hex, publishedBeside } from "@topic-tracker/common/testing"
import { Crypto } from "@topic-tracker/crypto"
import { Effect, Layer, Random, Redacted, Schema } from "effect"
import { nativeAead, nobleAead } from "../src/native/aead.ts"
import * as Hpke from "../src/native/hpke.ts"
import { derKeys, type Keys, rawKeys } from "../src/native/keys.ts"
import { deterministicRandom } from "../src/platform.ts"
import * as Portable from "../src/portable/make.ts"
import { layers } from "./layers.ts"

const published = publishedBeside(import.meta.url)

const rfc = published(
  "rfc9180-a2.json",
  Schema.Struct({
    case: Schema.Struct({
      info: Hex,
      ikmE: Hex,
      ikmR: Hex,
      pkEm: Hex,
      pkRm: Hex,
      enc: Hex,
      encryption: Schema.Struct({ aad: Hex, pt: Hex, ct: Hex }),
    }),
  }),
).case

/** Node 24.16 and later. By version, not by a trial, so that a break of these keys is noticed. */
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number)
const hasRawKeys = major > 24 || (major === 24 && minor >= 16)

const forms: ReadonlyArray<readonly [string, Keys]> = [
  ["DER", derKeys(nodeCrypto)],
  ...(hasRawKeys ? [["raw", rawKeys(nodeCrypto)] as const] : []),
]

describe("HPKE suite, RFC 9180 A.2", () => {
  const aeads = [
    ["node:crypto", Promise.resolve(nativeAead(nodeCrypto))],
    ["@noble/ciphers", nobleAead()],
  ] as const
  const native = forms.flatMap(([name, keys]) => aeads.map(([cipher, aead]) => [name, cipher, keys, aead] as const))

  it.each(native)("native, %s keys, the AEAD of %s", async (_name, _cipher, keys, aead) => {
    const hpke = Hpke.make(nodeCrypto, keys, await aead, rfc.info, rfc.encryption.aad)
    const ephemeral = hpke.deriveKeyPair(rfc.ikmE)
    const recipient = hpke.deriveKeyPair(rfc.ikmR)
    assert.deepStrictEqual(ephemeral.publicBytes, rfc.pkEm)
    assert.deepStrictEqual(recipient.publicBytes, rfc.pkRm)
    const ciphertext = new Uint8Array(rfc.encryption.pt.length + 16)
    hpke.seal(ephemeral, recipient, rfc.encryption.pt, ciphertext)
    assert.deepStrictEqual(ciphertext, rfc.encryption.ct)
    assert.isTrue(Bytes.equals(hpke.open(recipient, rfc.enc, rfc.encryption.ct), rfc.encryption.pt))
  })

  it("portable", async () => {
    const suite = Portable.makeSuite()
    const recipient = await suite.kem.deriveKeyPair(new Uint8Array(rfc.ikmR).buffer)
    const recipientPublicKey = recipient.publicKey
    const { aad, pt, ct } = rfc.encryption
    const sealed = await suite.seal({ recipientPublicKey, info: rfc.info, ekm: rfc.ikmE }, pt, aad)
    assert.deepStrictEqual(new Uint8Array(sealed.enc), rfc.enc)
    assert.deepStrictEqual(new Uint8Array(sealed.ct), ct)
    const opened = await suite.open({ recipientKey: recipient, enc: rfc.enc, info: rfc.info }, ct, aad)
    assert.deepStrictEqual(new Uint8Array(opened), pt)
  })
})

const seed = (fill: number) => Redacted.make(new Uint8Array(32).fill(fill))
const plaintext = Uint8Array.from({ length: 456 }, (_, index) => index % 251)

describe.each(layers)("HPKE box, %s layer", (_name, layer) => {
  it.effect("is 56 bytes longer than its plaintext and opens only with the recipient's key", () =>
    Effect.gen(function* () {
      const crypto = yield* Crypto
      const recipient = crypto.signingKey(seed(1))
      for (const to of [recipient, recipient.publicKey]) {
        for (const message of [plaintext, new Uint8Array(0)]) {
          const box = yield* crypto.seal(to, message)
          assert.strictEqual(box.length, message.length + 56)
          assert.deepStrictEqual(yield* crypto.open(recipient, box), message)
          const error = yield* Effect.flip(crypto.open(crypto.signingKey(seed(2)), box))
          assert.strictEqual(error._tag, "OpenError")
        }
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("refuses malformed boxes, with the reason", () =>
    Effect.gen(function* () {
      const crypto = yield* Crypto
      const recipient = crypto.signingKey(seed(1))
      const box = yield* crypto.seal(recipient, plaintext)
      const withLength = (...length: ReadonlyArray<number>) => {
        const altered = box.slice()
        altered.set(length)
        return altered
      }
      const refused: ReadonlyArray<readonly [Uint8Array, string]> = [
        [new Uint8Array(0), "0 bytes"],
        [box.slice(0, 7), "7 bytes"],
        [box.slice(0, 55), "55 bytes"],
        [withLength(129), "129 bytes"],
        [withLength(31), "31 bytes"],
        [withLength(255, 255, 255, 255, 255, 255, 255, 255), "18446744073709551615 bytes"],
        [box.slice(0, -1), "does not open"],
        // An encapsulated key of small order: the key agreement gives zero.
        [withLength(32, 0, 0, 0, 0, 0, 0, 0, ...new Uint8Array(32)), "does not open"],
      ]
      for (const [bytes, reason] of refused) {
        const error = yield* Effect.flip(crypto.open(recipient, bytes))
        assert.strictEqual(error._tag, "OpenError")
        assert.include(error.message, reason)
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is not sealed for keys that are not on the curve or of small order", () =>
    Effect.gen(function* () {
      const crypto = yield* Crypto
      const noPoint = new Uint8Array(32).fill(2, 0, 1)
      const identity = new Uint8Array(32).fill(1, 0, 1)
      const order8 = Bytes.fromHex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
      const order2 = Bytes.fromHex(`ec${"ff".repeat(30)}7f`)
      for (const key of [noPoint, identity, new Uint8Array(31)]) {
        const error = yield* Effect.flip(crypto.seal(key, plaintext))
        assert.strictEqual(error._tag, "SealError")
        assert.include(error.message, "not a point")
      }
      for (const key of [order2, order8]) {
        const error = yield* Effect.flip(crypto.seal(key, plaintext))
        assert.strictEqual(error._tag, "SealError")
        assert.include(error.message, "small order")
      }
    }).pipe(Effect.provide(layer)),
  )
})

describe("layers of Crypto", () => {
  const others = layers.flatMap(([from, sealer]) => layers.map(([to, opener]) => ({ from, to, sealer, opener })))

  it.effect.each(others)("a box of one layer opens on every layer", ({ sealer, opener }) =>
    Effect.gen(function* () {
      const sealing = yield* Effect.provide(Crypto, sealer)
      const opening = yield* Effect.provide(Crypto, opener)
      const box = yield* sealing.seal(sealing.signingKey(seed(3)), plaintext)
      assert.deepStrictEqual(yield* opening.open(opening.signingKey(seed(3)), box), plaintext)
    }),
  )

  const layerPortableTest = Layer.sync(Crypto, () => Portable.make(deterministicRandom))

  const boxes = Effect.gen(function* () {
    const crypto = yield* Crypto
    const first = yield* crypto.seal(crypto.signingKey(seed(4)), plaintext)
    const second = yield* crypto.seal(crypto.signingKey(seed(4)), plaintext)
    return { first, second, bytes: yield* crypto.randomBytes(16) }
  })

  it.effect("the deterministic layer repeats a run to the byte, on both implementations", () =>
    Effect.gen(function* () {
      const native = boxes.pipe(Effect.provide(Crypto.layerTest()))
      const portable = boxes.pipe(Effect.provide(layerPortableTest))
      const one = yield* Random.withSeed(native, "a seed")
      assert.deepStrictEqual(yield* Random.withSeed(native, "a seed"), one)
      assert.deepStrictEqual(yield* Random.withSeed(portable, "a seed"), one)
      assert.notDeepEqual(yield* Random.withSeed(native, "another seed"), one)
      assert.notDeepEqual(one.first, one.second)
    }),
  )
})
