import { assert, describe, it } from "@effect/vitest"
import { Crypto, initialSecretHash, RecordKeys, SecretRotation, TopicId } from "@topic-tracker/crypto"
import { Effect, Layer, Redacted } from "effect"
import * as MinuteKeys from "../../src/records/minuteKeys.ts"

describe("the keys of a topic's minutes", () => {
  it.effect("are RecordKeys', prepared once while in use and then forgotten", () =>
    Effect.gen(function* () {
      let prepared = 0
      const counting = Layer.effect(
        Crypto,
        Effect.map(Crypto, (crypto) => ({
          ...crypto,
          signingKey: (seed) => {
            prepared++
            return crypto.signingKey(seed)
          },
        })),
      ).pipe(Layer.provide(Crypto.layer()))
      const topic = TopicId.fromName("minutes")
      const secret = initialSecretHash(Redacted.make("secret"))
      yield* Effect.gen(function* () {
        const keysOf = yield* MinuteKeys.makeMinuteKeys(topic, secret)
        const of = Effect.fnUntraced(function* (minute: bigint) {
          const keys = keysOf(minute)
          return { dht: keys.dht, encryption: yield* keys.encryption }
        })
        const first = yield* of(1n)
        const expected = RecordKeys.make(yield* Crypto, yield* SecretRotation)
        assert.deepStrictEqual(first.dht.salt, expected.dht(topic, 1n).salt)
        assert.deepStrictEqual(first.dht.signingKey.publicKey, expected.dht(topic, 1n).signingKey.publicKey)
        const input = { topic, unixMinute: 1n, initialSecretHash: secret }
        assert.deepStrictEqual(first.encryption.publicKey, (yield* expected.encryption(input)).publicKey)

        prepared = 0
        for (const minute of [2n, 1n, 2n, 3n, 4n, 1n, 4n]) yield* of(minute)
        assert.strictEqual(prepared, 6)
        assert.strictEqual((yield* of(1n)).encryption, first.encryption)
        // A fifth minute takes the place of the one asked for first.
        yield* of(5n)
        assert.strictEqual(prepared, 8)
        yield* of(4n)
        assert.strictEqual(prepared, 8)
        yield* of(1n)
        assert.strictEqual(prepared, 10)
      }).pipe(Effect.provide(SecretRotation.layer()), Effect.provide(counting))
    }),
  )
})
