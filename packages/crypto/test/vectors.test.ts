import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Crypto, Vectors } from "@topic-tracker/crypto"
import { Effect } from "effect"

const read = (file: string) => Vectors.parseJson(readFileSync(new URL(`./vectors/${file}`, import.meta.url), "utf8"))

const expectedCases: Record<string, number> = {
  "keys.json": 56,
  "records.json": 12,
  "encrypted-records.json": 27,
  "hpke.json": 7,
}

describe.each([
  ["native", Crypto.layerNative()],
  ["portable", Crypto.layerPortable()],
])("vectors of the Rust implementation, %s layer", (_name, layer) => {
  it.effect.each(Vectors.files)("%s", (file) =>
    Effect.gen(function* () {
      const report = yield* Vectors.check(file, read(file))
      assert.deepStrictEqual(report, { passed: expectedCases[file]!, failed: [] })
    }).pipe(Effect.provide(layer)),
  )
})
