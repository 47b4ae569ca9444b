import { assert, describe, it } from "@effect/vitest"
import { Crypto } from "@topic-tracker/crypto"
import { Effect, Schema } from "effect"
import { coreVectors } from "../../src/vectors/coreVectors.ts"
import { vectorsOf } from "./vectorsOf.ts"

const Cases = Schema.Struct({ cases: Schema.Array(Schema.Record(Schema.String, Schema.Unknown)) })

const file = Schema.decodeUnknownSync(Cases)(vectorsOf("core/test/vectors/pkarr.json"))

describe("address packets made and signed by iroh", () => {
  it.effect("match in every field, on either layer of Crypto", () =>
    Effect.gen(function* () {
      for (const layer of [Crypto.layerNative(), Crypto.layerPortable()]) {
        const report = yield* Effect.provide(coreVectors(file), layer)
        assert.deepStrictEqual(report, { passed: 5, failed: [] })
      }
    }),
  )

  it.effect("do not match with one byte altered", () =>
    Effect.gen(function* () {
      const [first, ...rest] = file.cases
      const altered = { ...first, signature: `00${String(first!.signature).slice(2)}`, txt: ["addr=1.2.3.4:5"] }
      const report = yield* Effect.provide(coreVectors({ cases: [altered, ...rest] }), Crypto.layer())
      assert.deepStrictEqual(report, {
        passed: 4,
        failed: ["pkarr case 0: signature, signing again, strings"],
      })
    }),
  )

  it.effect("are distinguished from other files by a SchemaError", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Effect.provide(coreVectors({ cases: [{}] }), Crypto.layer()))
      assert.strictEqual(error._tag, "SchemaError")
    }),
  )
})
