/** Contents over iroh endpoints on loopback. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { PIECE_BYTES } from "../src/tree/pieces.ts"
import { bytesOf, contentOf, makeIrohWorld, shareNode } from "./world.ts"

describe("contents over iroh", () => {
  it.live("reach two receivers, which take it from each other as well", () =>
    Effect.gen(function* () {
      const world = yield* makeIrohWorld()
      const a = yield* shareNode(world)
      const bytes = contentOf(8 * PIECE_BYTES + 99)
      const { hash, uploaded } = yield* a.share(bytes, { name: "tides.bin" })
      const b = yield* shareNode(world, { knows: [a.id] })
      const first = yield* Stream.runCollect(b.fetch(hash))
      assert.deepInclude(first[first.length - 1], { _tag: "Done", size: bytes.length, name: "tides.bin" })
      // The source is gone: the receiver has become one.
      yield* a.kill
      const c = yield* shareNode(world, { knows: [a.id, b.id] })
      const second = yield* Stream.runCollect(c.fetch(hash))
      assert.deepInclude(second[second.length - 1], { _tag: "Done", size: bytes.length, name: "tides.bin" })
      for (const node of [b, c]) assert.deepStrictEqual(yield* bytesOf(node, hash), bytes)
      assert.strictEqual(yield* uploaded, bytes.length)
      assert.deepInclude(yield* c.stats, { violations: 0, wrongPieces: 0, bytesReceived: bytes.length })
    }),
  )
})
