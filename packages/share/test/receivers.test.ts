/** Many that fetch the same content, over the network in memory under TestClock: how much its source has to send. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, type Scope, Stream } from "effect"
import type { FetchEvent } from "../src/index.ts"
import { PIECE_BYTES } from "../src/tree/pieces.ts"
import { bytesOf, contentOf, fetchIn, makeMemoryWorld, shareNode, type World } from "./world.ts"

/** 382 are 100 MB: SHARE_PIECES=382 npm run -s unit -- packages/share/test/receivers.test.ts */
const PIECES = Number(process.env.SHARE_PIECES ?? 16)

const test = (name: string, body: (world: World) => Effect.Effect<void, unknown, Scope.Scope>) =>
  it.effect(
    name,
    () => Effect.flatMap(makeMemoryWorld({ link: () => ({ delayMs: 5 }) }), body),
    60_000 + PIECES * 5_000,
  )

const lastOf = (events: ReadonlyArray<FetchEvent>) => events[events.length - 1]

describe("receivers", () => {
  test("serve each other when the source leaves, if they have all pieces together", (world) =>
    Effect.gen(function* () {
      const bytes = contentOf(24 * PIECE_BYTES)
      const a = yield* shareNode(world, { limits: { uploadBytesPerSecond: 12 * PIECE_BYTES } })
      const { hash, uploaded } = yield* a.share(bytes)
      // They are slow to each other, so no one has all when the source has given each piece once.
      const limits = { uploadBytesPerSecond: 2 * PIECE_BYTES }
      const receivers = []
      for (let i = 0; i < 5; i++) {
        const others: ReadonlyArray<{ readonly id: typeof a.id }> = receivers
        receivers.push(yield* shareNode(world, { knows: [a.id, ...others.map(({ id }) => id)], limits }))
      }
      const done = new Set<number>()
      const fibers = []
      for (const [i, each] of receivers.entries()) {
        fibers.push(
          yield* Effect.forkChild(Effect.tap(fetchIn(world, each, hash), () => Effect.sync(() => done.add(i)))),
        )
      }
      for (let i = 0; i < 5_000 && (yield* uploaded) < bytes.length; i++) yield* world.pass
      for (let i = 0; i < 100; i++) yield* world.pass
      assert.strictEqual(done.size, 0)
      yield* a.kill
      for (const [i, fiber] of fibers.entries()) {
        assert.strictEqual(lastOf(yield* Fiber.join(fiber))?._tag, "Done")
        assert.deepStrictEqual(yield* bytesOf(receivers[i]!, hash), bytes)
      }
    }))

  // The source is ten times as fast as each of them: rarest first alone would take most copies from it.
  test("of 20 take at most 3 copies from a fast source", (world) =>
    Effect.gen(function* () {
      const bytes = contentOf(PIECES * PIECE_BYTES)
      const a = yield* shareNode(world, { limits: { uploadBytesPerSecond: 200 * PIECE_BYTES } })
      const { hash, uploaded } = yield* a.share(bytes)
      const receivers = []
      for (let i = 0; i < 20; i++) {
        receivers.push(yield* shareNode(world, { knows: [a.id], limits: { uploadBytesPerSecond: 20 * PIECE_BYTES } }))
      }
      const fibers = yield* Effect.forEach(receivers, (each) => Effect.forkChild(Stream.runCollect(each.fetch(hash))))
      for (let i = 0; i < 50_000 && fibers.some((each) => each.pollUnsafe() === undefined); i++) yield* world.pass
      for (const fiber of fibers) assert.strictEqual(lastOf([...(yield* Fiber.join(fiber))])?._tag, "Done")
      const copies = (yield* uploaded) / bytes.length
      if (process.env.SHARE_PIECES !== undefined) console.log(`${copies} copies of ${PIECES} pieces`)
      assert.isAtMost(copies, 3)
      assert.isAtLeast(copies, 1)
      for (const each of receivers) assert.deepInclude(yield* each.stats, { violations: 0, wrongPieces: 0 })
    }))
})
