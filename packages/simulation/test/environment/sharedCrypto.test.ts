import { assert, describe, it } from "@effect/vitest"
import { Crypto } from "@topic-tracker/crypto"
import { Effect, Random, Redacted } from "effect"
import * as SharedCrypto from "../../src/environment/sharedCrypto.ts"

describe("sharedCrypto", () => {
  it.effect("gives the results of the real operations, each time", () =>
    Effect.gen(function* () {
      const crypto = yield* Crypto
      const seed = () => Redacted.make(new Uint8Array(32).fill(3))
      const key = crypto.signingKey(seed())
      assert.deepStrictEqual(crypto.signingKey(seed()).publicKey, key.publicKey)
      const message = new Uint8Array([1, 2, 3])
      const signature = crypto.sign(key, message)
      const altered = signature.with(0, signature[0]! ^ 1)
      for (let i = 0; i < 2; i++) {
        assert.isTrue(crypto.verify(key.publicKey, message, signature))
        assert.isTrue(crypto.verifyStrict(key.publicKey, message, signature))
        assert.isFalse(crypto.verify(key.publicKey, message, altered))
        assert.isFalse(crypto.verifyStrict(key.publicKey, message.subarray(1), signature))
      }
      const box = yield* crypto.seal(key, message)
      const opened = yield* crypto.open(key, box)
      opened.fill(9)
      assert.deepStrictEqual(yield* crypto.open(key, box), message, "each gets bytes of its own")
      const other = crypto.signingKey(Redacted.make(new Uint8Array(32).fill(4)))
      for (let i = 0; i < 2; i++) assert.strictEqual((yield* Effect.flip(crypto.open(other, box)))._tag, "OpenError")
      assert.notDeepEqual(yield* crypto.seal(key, message), box, "sealing is never the same twice")
    }).pipe(Effect.provide(SharedCrypto.layer()), Random.withSeed("crypto")),
  )
})
