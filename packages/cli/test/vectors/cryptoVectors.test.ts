import { assert, describe, it } from "@effect/vitest"
import { Crypto } from "@topic-tracker/crypto"
import { Effect } from "effect"
import { cryptoVectors } from "../../src/vectors/cryptoVectors.ts"
import { parseJson } from "../../src/vectors/VectorReport.ts"
import { vectorsOf } from "./vectorsOf.ts"

const expectedCases: Record<string, number> = {
  "keys.json": 56,
  "second-slot.json": 5,
  "records.json": 12,
  "encrypted-records.json": 27,
  "hpke.json": 7,
}

describe.each([
  ["native", Crypto.layerNative()],
  ["portable", Crypto.layerPortable()],
])("vectors of the Rust crate and of the second slot, %s layer", (_name, layer) => {
  it.effect.each(Object.entries(cryptoVectors))("%s", ([file, check]) =>
    Effect.gen(function* () {
      const report = yield* check(vectorsOf(`crypto/test/vectors/${file}`))
      assert.deepStrictEqual(report, { passed: expectedCases[file]!, failed: [] })
    }).pipe(Effect.provide(layer)),
  )
})

describe("parseJson", () => {
  it("keeps integers exact up to the u64 limit, and leaves other numbers unchanged", () => {
    assert.deepStrictEqual(parseJson('{"a":[18446744073709551615,9007199254740991,1.5,1e300]}'), {
      a: [18446744073709551615n, 9007199254740991, 1.5, 1e300],
    })
  })
})
