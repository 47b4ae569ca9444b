import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { runOutsiders } from "../src/outsiders/runOutsiders.ts"

describe("outsiders", () => {
  it.live(
    "read nothing of a members-only topic, say nothing in it, and are nobody's neighbour, whatever they try",
    () =>
      Effect.gen(function* () {
        const { attempts, honest, ...gained } = yield* runOutsiders(2, 7)
        assert.strictEqual(attempts, 40)
        assert.deepStrictEqual(gained, { plaintextBytes: 0, delivered: 0, neighbors: 0 })
        assert.isAbove(honest, 0.9)
      }).pipe(Effect.scoped),
    60_000,
  )
})
