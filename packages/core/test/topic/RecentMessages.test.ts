import { assert, describe, it } from "@effect/vitest"
import { Timers } from "@topic-tracker/common"
import { messageHash, TopicId } from "@topic-tracker/crypto"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { HeardMessages } from "../../src/topic/knowledge/RecentMessages.ts"

const message = (n: number) => new TextEncoder().encode(`message ${n}`)
const hash = (n: number) => messageHash(message(n))
const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

describe("HeardMessages", () => {
  it.effect("has the hashes of the last five messages received, whatever becomes of the bytes", () =>
    Effect.gen(function* () {
      const heard = new HeardMessages(yield* Timers.make)
      const contents = [1, 2, 3, 4, 5, 6, 7].map((n) => new Uint8Array(n === 6 ? 5000 : 10).fill(n))
      const expected = contents.slice(2).map((content) => TopicId.fromName(content).bytes)
      for (const content of contents) {
        heard.received(content)
        content.fill(0)
      }
      heard.sent(new Uint8Array([8]))
      assert.deepStrictEqual(heard.last(), expected)
      assert.deepStrictEqual(heard.last(), expected)
      assert.strictEqual(heard.count, 7)
    }),
  )

  it.effect("knows when it had a message long after it was one of the last, and its own", () =>
    Effect.gen(function* () {
      const timers = yield* Timers.make
      const heard = new HeardMessages(timers)
      const began = timers.now()
      heard.sent(message(0))
      for (const n of numbers(1, 1_000)) {
        yield* TestClock.adjust("1 second")
        heard.received(message(n))
      }
      for (const n of [0, 1, 63, 64, 65, 500, 995, 996, 1_000]) {
        const at = heard.heardAt(hash(n))
        assert(at !== undefined)
        assert.isAtMost(Math.abs(at - began - n * 1_000), 500)
      }
      assert.isUndefined(heard.heardAt(hash(1_001)))
      assert.strictEqual(heard.completeSince, began)
    }),
  )

  it.effect("before the first message there is nothing to compare with", () =>
    Effect.gen(function* () {
      const timers = yield* Timers.make
      const heard = new HeardMessages(timers)
      assert.isUndefined(heard.completeSince)
      assert.isUndefined(heard.heardAt(hash(1)))
      yield* TestClock.adjust("10 seconds")
      heard.received(message(1))
      assert.strictEqual(heard.completeSince, timers.now())
    }),
  )

  it.effect("forgets the oldest of many", () =>
    Effect.gen(function* () {
      const timers = yield* Timers.make
      const heard = new HeardMessages(timers)
      const began = timers.now()
      // 100 a second, for four minutes.
      for (const n of numbers(1, 24_000)) {
        if (n % 100 === 0) yield* TestClock.adjust("1 second")
        heard.received(message(n))
      }
      const since = heard.completeSince
      assert(since !== undefined)
      // Behind the 5 last ones there are 16,384.
      assert.closeTo(since - began, (24_000 - 16_384 - 5) * 10, 1_000)
      assert.isUndefined(heard.heardAt(hash(7_500)))
      assert.isDefined(heard.heardAt(hash(7_700)))
      assert.isDefined(heard.heardAt(hash(24_000)))
    }),
  )

  it.effect("a topic too busy to remember: only the last five are known, until it is calm again", () =>
    Effect.gen(function* () {
      const timers = yield* Timers.make
      const heard = new HeardMessages(timers)
      for (const n of numbers(1, 30_000)) heard.received(message(n))
      yield* TestClock.adjust("1 second")
      assert.isUndefined(heard.heardAt(hash(29_995)))
      assert.isDefined(heard.heardAt(hash(29_996)))
      assert.strictEqual(heard.completeSince, timers.now() - 1_000)
      yield* TestClock.adjust("150 seconds")
      const calm = timers.now()
      for (const n of numbers(30_001, 30_020)) heard.received(message(n))
      assert.isDefined(heard.heardAt(hash(30_001)))
      assert.isAtMost(heard.completeSince ?? Number.NaN, calm)
    }),
  )

  it.effect("while we were alone messages passed us by: what is complete begins after", () =>
    Effect.gen(function* () {
      const timers = yield* Timers.make
      const heard = new HeardMessages(timers)
      for (const n of numbers(1, 20)) heard.received(message(n))
      yield* TestClock.adjust("1 minute")
      heard.interrupted()
      assert.isUndefined(heard.completeSince)
      assert.lengthOf(heard.last(), 5)
      yield* TestClock.adjust("1 minute")
      for (const n of numbers(21, 23)) heard.received(message(n))
      assert.strictEqual(heard.completeSince, timers.now())
      yield* TestClock.adjust("1 minute")
      for (const n of numbers(24, 60)) heard.received(message(n))
      assert.closeTo(heard.completeSince ?? Number.NaN, timers.now() - 60_000, 500)
    }),
  )
})
