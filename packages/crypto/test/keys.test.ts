import { inspect } from "node:util"
import { assert, describe, it, vi } from "@effect/vitest"
import { Bytes } from "@topic-tracker/common"
import {
  Crypto,
  EndpointId,
  Identity,
  initialSecretHash,
  RecordKeys,
  SecretRotation,
  TopicId,
  unixMinute,
} from "@topic-tracker/crypto"
import { ConfigProvider, Effect, Layer, Random, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { layers } from "./layers.ts"

const topic = TopicId.fromName("keys")
const input = { topic, unixMinute: 1n, initialSecretHash: initialSecretHash(Redacted.make("secret")) }
const seedHex = "5e".repeat(32)

/** RecordKeys on the native layer and this rotation. */
const keysWith = (rotation: Layer.Layer<SecretRotation>) =>
  Effect.gen(function* () {
    return RecordKeys.make(yield* Crypto, yield* SecretRotation)
  }).pipe(Effect.provide([Crypto.layer(), rotation]))

describe("RecordKeys", () => {
  it.effect("derives each key once and caches it", () =>
    Effect.gen(function* () {
      const keys = yield* keysWith(SecretRotation.layer())
      assert.strictEqual(keys.dht(topic, 1n), keys.dht(TopicId.fromName("keys"), 1n))
      assert.strictEqual(yield* keys.encryption(input), yield* keys.encryption(input))
      assert.notDeepEqual(keys.dht(topic, 2n).salt, keys.dht(topic, 1n).salt)
      assert.notDeepEqual(keys.dht(topic, 2n).signingKey.publicKey, keys.dht(topic, 1n).signingKey.publicKey)
      assert.strictEqual(keys.dht(topic, 1n).salt.length, 32)
    }),
  )

  it.effect("drops the oldest keys beyond its capacity and derives the same keys again", () =>
    Effect.gen(function* () {
      const keys = yield* keysWith(SecretRotation.layer())
      const first = keys.dht(topic, 0n)
      for (let minute = 1n; minute <= 512n; minute++) keys.dht(topic, minute)
      assert.notStrictEqual(keys.dht(topic, 0n), first)
      assert.deepStrictEqual(keys.dht(topic, 0n).salt, first.salt)
      assert.deepStrictEqual(keys.dht(topic, 0n).signingKey.publicKey, first.signingKey.publicKey)
    }),
  )

  it.effect("asks the rotation on every call, so that the rotation may change at run time", () =>
    Effect.gen(function* () {
      let fill = 1
      const keys = yield* keysWith(SecretRotation.layerFrom(() => Redacted.make(new Uint8Array(32).fill(fill))))
      const before = yield* keys.encryption(input)
      fill = 2
      const after = yield* keys.encryption(input)
      assert.notDeepEqual(after.publicKey, before.publicKey)
      fill = 1
      assert.deepStrictEqual((yield* keys.encryption(input)).publicKey, before.publicKey)
    }),
  )

  it.effect("accepts a rotation that is an Effect, and passes it topic, minute and secret hash", () =>
    Effect.gen(function* () {
      const rotation = SecretRotation.layerFrom((received) => {
        assert.deepStrictEqual(received, input)
        return Effect.succeed(received.initialSecretHash)
      })
      const keys = yield* keysWith(rotation)
      const key = yield* keys.encryption(input)
      assert.deepStrictEqual(Redacted.value(key.seed), Redacted.value(input.initialSecretHash))
    }),
  )
})

describe("unixMinute", () => {
  it.effect("is the Clock's number of whole minutes since the epoch", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(29923043 * 60_000 + 59_999)
      assert.strictEqual(yield* unixMinute, 29923043n)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* unixMinute, 29923044n)
    }),
  )
})

describe("Identity", () => {
  const fromConfig = (environment: Record<string, string>) =>
    Identity.pipe(
      Effect.provide(Identity.layerConfig().pipe(Layer.provide(Crypto.layer()))),
      Effect.provide(ConfigProvider.layer(ConfigProvider.fromUnknown(environment))),
    )

  it.effect("is the same from a seed and from the configuration", () =>
    Effect.gen(function* () {
      const fromSeed = yield* Identity.pipe(
        Effect.provide(
          Identity.layerFromSeed(Redacted.make(Bytes.fromHex(seedHex))).pipe(Layer.provide(Crypto.layer())),
        ),
      )
      const configured = yield* fromConfig({ IDENTITY_SEED: seedHex.toUpperCase() })
      assert.strictEqual(configured.endpointId, fromSeed.endpointId)
      assert.deepStrictEqual(EndpointId.bytes(fromSeed.endpointId), fromSeed.signingKey.publicKey)
    }),
  )

  it.effect("reports the variable of an invalid seed, and never its value", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(fromConfig({ IDENTITY_SEED: `${seedHex}5g` }))
      assert.include(error.message, "IDENTITY_SEED: 66 characters; must be a seed of 64 hex digits")
      assert.notInclude(inspect(error, { depth: 9 }), "5e5e")
      assert.strictEqual((yield* Effect.flip(fromConfig({})))._tag, "ConfigError")
    }),
  )

  it.effect("is new for every layer, and repeats with a seed in the test layer", () =>
    Effect.gen(function* () {
      const random = Effect.map(Identity, (identity) => identity.endpointId)
      const live = random.pipe(Effect.provide(Layer.fresh(Identity.layerRandom()).pipe(Layer.provide(Crypto.layer()))))
      assert.notStrictEqual(yield* live, yield* live)
      const test = random.pipe(Effect.provide(Identity.layerRandom().pipe(Layer.provide(Crypto.layerTest()))))
      assert.strictEqual(yield* Random.withSeed(test, 7), yield* Random.withSeed(test, 7))
    }),
  )
})

describe("secrets", () => {
  it.effect.each(layers)("do not appear in a printed signing key that was used", ([_name, layer]) =>
    Effect.gen(function* () {
      const crypto = yield* Crypto
      const key = crypto.signingKey(Redacted.make(Bytes.fromHex(seedHex)))
      crypto.sign(key, new Uint8Array(1))
      yield* crypto.open(key, yield* crypto.seal(key, new Uint8Array(1)))
      const shown = inspect(key, { depth: 9, showHidden: true }) + JSON.stringify(key) + String(key)
      assert.include(shown, "redacted")
      for (const secret of ["5e5e", "94, 94", "94,94"]) assert.notInclude(shown, secret)
    }).pipe(Effect.provide(layer)),
  )
})

describe("a runtime without node:crypto", () => {
  const without = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.acquireUseRelease(
      Effect.sync(() => vi.spyOn(process, "getBuiltinModule").mockReturnValue(undefined)),
      () => effect,
      (spy) => Effect.sync(() => spy.mockRestore()),
    )

  const sealAndOpen = Effect.gen(function* () {
    const crypto = yield* Crypto
    const key = crypto.signingKey(Redacted.make(Bytes.fromHex(seedHex)))
    return yield* crypto.open(key, yield* crypto.seal(key, Uint8Array.of(1, 2, 3)))
  })

  it.effect("has the portable layer by default, and an error that explains why the native one fails", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* without(Effect.provide(sealAndOpen, Crypto.layer())), Uint8Array.of(1, 2, 3))
      assert.deepStrictEqual(yield* without(Effect.provide(sealAndOpen, Crypto.layerTest())), Uint8Array.of(1, 2, 3))
      const exit = yield* without(Effect.exit(Effect.provide(sealAndOpen, Crypto.layerNative())))
      assert.include(String(exit), "this runtime has no node:crypto; use Crypto.layerPortable()")
    }),
  )
})
