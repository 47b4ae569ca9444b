import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { receipt } from "../src/lookup/put.ts"

const reasonOf = (errors: ReadonlyArray<readonly [code: number, count: number]>) =>
  Effect.map(
    Effect.flip(receipt({ stored: 0, asked: 20, errors: new Map(errors), stale: false })),
    ({ reason }) => reason,
  )

describe("a put that no node stored", () => {
  it.effect("is rejected if a node refused the item itself, else worth another attempt", () =>
    Effect.gen(function* () {
      for (const code of [205, 206, 207, 301, 302]) {
        assert.strictEqual(yield* reasonOf([[code, 1]]), "Rejected")
        assert.strictEqual(
          yield* reasonOf([
            [203, 2],
            [code, 1],
          ]),
          "Rejected",
        )
      }
      // A wrong token, a fault of the node itself, no put at all.
      for (const code of [201, 202, 203, 204, 400]) assert.strictEqual(yield* reasonOf([[code, 20]]), "Timeout")
      assert.strictEqual(yield* reasonOf([]), "Timeout")
    }),
  )
})
