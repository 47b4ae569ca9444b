import { assert, layer } from "@effect/vitest"
import { Crypto } from "@topic-tracker/crypto"
import { Effect, Schema } from "effect"
import { dhtVectors } from "../../src/vectors/dhtVectors.ts"
import { vectorsOf } from "./vectorsOf.ts"

const Cases = Schema.Struct({ cases: Schema.Array(Schema.Record(Schema.String, Schema.Unknown)) })

const file = Schema.decodeUnknownSync(Cases)(vectorsOf("dht/test/vectors/dht-items.json"))

layer(Crypto.layer())("recorded items", (it) => {
  it.effect("match in every field", () =>
    Effect.gen(function* () {
      const { passed, failed } = yield* dhtVectors(file)
      assert.deepStrictEqual(failed, [])
      assert.isAbove(passed, 10)
    }),
  )

  it.effect("do not match with an altered value", () =>
    Effect.gen(function* () {
      const altered = file.cases.map((vector, i) => (i === 3 ? { ...vector, value: `${vector.value}00` } : vector))
      const { passed, failed } = yield* dhtVectors({ cases: altered })
      assert.strictEqual(passed, file.cases.length - 1)
      assert.deepStrictEqual(failed, ["dht-items case 3: signature, signing again"])
    }),
  )

  it.effect("are distinguished from other JSON by a SchemaError", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(dhtVectors({ cases: [{ seed: "zz" }] }))
      assert.include(error.message, "seed")
    }),
  )
})
