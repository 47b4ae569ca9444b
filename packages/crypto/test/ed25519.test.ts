import { assert, describe, it } from "@effect/vitest"
import { ed25519 } from "@noble/curves/ed25519.js"
import { Bytes } from "@topic-tracker/common"
import { Hex, publishedBeside } from "@topic-tracker/common/testing"
import { Crypto } from "@topic-tracker/crypto"
import { Effect, Redacted, Schema } from "effect"
import { isSmallOrder, toX25519PublicKey } from "../src/edwards.ts"
import { layers } from "./layers.ts"

const published = publishedBeside(import.meta.url)

const rfc8032 = published(
  "rfc8032-ed25519.json",
  Schema.Struct({
    cases: Schema.Array(Schema.Struct({ seed: Hex, publicKey: Hex, message: Hex, signature: Hex })),
  }),
).cases

const speccheck = published(
  "ed25519-speccheck.json",
  Schema.Struct({
    cases: Schema.Array(
      Schema.Struct({
        about: Schema.String,
        message: Hex,
        pub_key: Hex,
        signature: Hex,
        dalek: Schema.Boolean,
        dalekStrict: Schema.Boolean,
      }),
    ),
  }),
).cases

describe.each(layers)("Ed25519, %s layer", (_name, layer) => {
  it.effect("makes the keys and signatures of RFC 8032", () =>
    Effect.gen(function* () {
      const crypto = yield* Crypto
      assert.strictEqual(rfc8032.length, 3)
      for (const { seed, publicKey, message, signature } of rfc8032) {
        const key = crypto.signingKey(Redacted.make(seed))
        assert.deepStrictEqual(key.publicKey, publicKey)
        assert.deepStrictEqual(crypto.sign(key, message), signature)
        assert.isTrue(crypto.verify(publicKey, message, signature))
        assert.isTrue(crypto.verifyStrict(publicKey, message, signature))
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("gives the verdicts of dalek on the edge cases of ed25519-speccheck", () =>
    Effect.gen(function* () {
      const crypto = yield* Crypto
      assert.strictEqual(speccheck.length, 12)
      for (const { about, pub_key, message, signature, dalek, dalekStrict } of speccheck) {
        assert.strictEqual(crypto.verify(pub_key, message, signature), dalek, `verify: ${about}`)
        assert.strictEqual(crypto.verifyStrict(pub_key, message, signature), dalekStrict, `verifyStrict: ${about}`)
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("refuses every flipped bit, and returns false for wrong sizes", () =>
    Effect.gen(function* () {
      const crypto = yield* Crypto
      const { publicKey, message, signature } = rfc8032[2]!
      for (let byte = 0; byte < 64; byte++) {
        const altered = signature.slice()
        altered[byte]! ^= 1 << (byte % 8)
        assert.isFalse(crypto.verify(publicKey, message, altered), `byte ${byte}`)
      }
      assert.isFalse(crypto.verify(publicKey, new Uint8Array([0xaf, 0x83]), signature))
      for (const size of [0, 31, 33]) assert.isFalse(crypto.verify(new Uint8Array(size), message, signature))
      for (const size of [0, 63, 65]) assert.isFalse(crypto.verifyStrict(publicKey, message, new Uint8Array(size)))
      // The curve has no point with y = 2.
      assert.isFalse(crypto.verify(new Uint8Array(32).fill(2, 0, 1), message, signature))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("accepts keys that another layer made", () =>
    Effect.gen(function* () {
      const crypto = yield* Crypto
      const { seed, publicKey, message, signature } = rfc8032[1]!
      assert.deepStrictEqual(crypto.sign({ seed: Redacted.make(seed), publicKey }, message), signature)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("refuses seeds that are not 32 bytes, with an error that has the length", () =>
    Effect.gen(function* () {
      const crypto = yield* Crypto
      assert.throws(() => crypto.signingKey(Redacted.make(new Uint8Array(31))), RangeError, "31 bytes")
    }).pipe(Effect.provide(layer)),
  )
})

describe("points of edwards25519", () => {
  it("recognises every encoding of the eight points of small order, and no other", () => {
    const torsion = ed25519.Point.fromHex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
    let point = ed25519.Point.ZERO
    const encodings = new Set<string>()
    for (let i = 0; i < 8; i++) {
      encodings.add(point.toHex())
      point = point.add(torsion)
    }
    assert.strictEqual(encodings.size, 8)
    assert.isTrue(point.equals(ed25519.Point.ZERO))
    for (const encoding of encodings) assert.isTrue(isSmallOrder(Bytes.fromHex(encoding)), encoding)
    // Encodings of p + 0 and p + 1 and, for the points with x = 0, a sign bit without effect.
    for (const y of ["ed", "ee"]) {
      for (const sign of ["7f", "ff"]) {
        const encoded = Bytes.fromHex(`${y}${"ff".repeat(30)}${sign}`)
        assert.isTrue(ed25519.Point.fromBytes(encoded, true).isSmallOrder())
        assert.isTrue(isSmallOrder(encoded))
      }
    }
    assert.isFalse(isSmallOrder(ed25519.Point.BASE.toBytes()))
    assert.isFalse(isSmallOrder(ed25519.Point.BASE.add(torsion).toBytes()))
  })

  it("have no X25519 form if they are the identity or not on the curve", () => {
    assert.isUndefined(toX25519PublicKey(ed25519.Point.ZERO.toBytes()))
    assert.isUndefined(toX25519PublicKey(new Uint8Array(32).fill(2, 0, 1)))
    assert.isUndefined(toX25519PublicKey(new Uint8Array(31)))
  })
})
