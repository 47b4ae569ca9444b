import { assert, describe, it } from "@effect/vitest"
import { Timers } from "@topic-tracker/common"
import { messageHash, TopicId } from "@topic-tracker/crypto"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { RecentMessages } from "../../../src/topic/knowledge/RecentMessages.ts"

const message = (n: number) => new TextEncoder().encode(`message ${n}`)
const hash = (n: number) => messageHash(message(n))
const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

describe("RecentMessages", () => {
  it.effect("has the hashes of the last five messages, also if the caller changes the bytes later", () =>
    Effect.gen(function* () {
      const messages = new RecentMessages(yield* Timers.make)
      const contents = [1, 2, 3, 4, 5, 6, 7].map((n) => new Uint8Array(n === 6 ? 5000 : 10).fill(n))
      const expected = contents.slice(2).map((content) => TopicId.fromName(content).bytes)
      for (const content of contents) {
        messages.addReceived(content)
        content.fill(0)
      }
      messages.addSent(new Uint8Array([8]))
      assert.deepStrictEqual(messages.lastHashes(), expected)
      assert.deepStrictEqual(messages.lastHashes(), expected)
      assert.strictEqual(messages.receivedCount, 7)
    }),
  )

  it.effect("knows the time of a message long after it was one of the last, and of our own messages", () =>
    Effect.gen(function* () {
      const timers = yield* Timers.make
      const messages = new RecentMessages(timers)
      const began = timers.now()
      messages.addSent(message(0))
      for (const n of numbers(1, 1_000)) {
        yield* TestClock.adjust("1 second")
        messages.addReceived(message(n))
      }
      for (const n of [0, 1, 63, 64, 65, 500, 995, 996, 1_000]) {
        const at = messages.timeOf(hash(n))
        assert(at !== undefined)
        assert.isAtMost(Math.abs(at - began - n * 1_000), 500)
      }
      assert.isUndefined(messages.timeOf(hash(1_001)))
      assert.strictEqual(messages.completeSince, began)
    }),
  )

  it.effect("is complete since no time before the first message", () =>
    Effect.gen(function* () {
      const timers = yield* Timers.make
      const messages = new RecentMessages(timers)
      assert.isUndefined(messages.completeSince)
      assert.isUndefined(messages.timeOf(hash(1)))
      yield* TestClock.adjust("10 seconds")
      messages.addReceived(message(1))
      assert.strictEqual(messages.completeSince, timers.now())
    }),
  )

  it.effect("forgets the oldest of many", () =>
    Effect.gen(function* () {
      const timers = yield* Timers.make
      const messages = new RecentMessages(timers)
      const began = timers.now()
      // 100 a second, for four minutes.
      for (const n of numbers(1, 24_000)) {
        if (n % 100 === 0) yield* TestClock.adjust("1 second")
        messages.addReceived(message(n))
      }
      const since = messages.completeSince
      assert(since !== undefined)
      // Behind the 5 last ones there are 16,384.
      assert.closeTo(since - began, (24_000 - 16_384 - 5) * 10, 1_000)
      assert.isUndefined(messages.timeOf(hash(7_500)))
      assert.isDefined(messages.timeOf(hash(7_700)))
      assert.isDefined(messages.timeOf(hash(24_000)))
    }),
  )

  it.effect(
    "forgets what is no longer needed before it takes more memory, and knows its messages when it takes more",
    () =>
      Effect.gen(function* () {
        const timers = yield* Timers.make
        const messages = new RecentMessages(timers)
        const began = timers.now()
        // 10 a second for five minutes: 1,500 are needed, for which 2,048 have room. Then 40 a second for one minute.
        for (const n of numbers(1, 3_000)) {
          if (n % 10 === 0) yield* TestClock.adjust("1 second")
          messages.addReceived(message(n))
        }
        assert.isUndefined(messages.timeOf(hash(900)))
        for (const n of [960, 2_000, 3_000]) assert.isDefined(messages.timeOf(hash(n)))
        for (const n of numbers(3_001, 5_400)) {
          if (n % 40 === 0) yield* TestClock.adjust("1 second")
          messages.addReceived(message(n))
        }
        for (const n of [2_200, 3_000, 3_001, 4_400, 5_400]) assert.isDefined(messages.timeOf(hash(n)))
        assert.closeTo(messages.timeOf(hash(2_200))! - began, 220_000, 1_000)
      }),
  )

  it.effect("knows only the last five messages of a very busy topic, until it is calm again", () =>
    Effect.gen(function* () {
      const timers = yield* Timers.make
      const messages = new RecentMessages(timers)
      for (const n of numbers(1, 30_000)) messages.addReceived(message(n))
      yield* TestClock.adjust("1 second")
      assert.isUndefined(messages.timeOf(hash(29_995)))
      assert.isDefined(messages.timeOf(hash(29_996)))
      assert.strictEqual(messages.completeSince, timers.now() - 1_000)
      yield* TestClock.adjust("150 seconds")
      const calm = timers.now()
      for (const n of numbers(30_001, 30_020)) messages.addReceived(message(n))
      assert.isDefined(messages.timeOf(hash(30_001)))
      assert.isAtMost(messages.completeSince ?? Number.NaN, calm)
    }),
  )

  it.effect("is complete only since the end of a time alone", () =>
    Effect.gen(function* () {
      const timers = yield* Timers.make
      const messages = new RecentMessages(timers)
      for (const n of numbers(1, 20)) messages.addReceived(message(n))
      yield* TestClock.adjust("1 minute")
      messages.markGap()
      assert.isUndefined(messages.completeSince)
      assert.lengthOf(messages.lastHashes(), 5)
      yield* TestClock.adjust("1 minute")
      for (const n of numbers(21, 23)) messages.addReceived(message(n))
      assert.strictEqual(messages.completeSince, timers.now())
      yield* TestClock.adjust("1 minute")
      for (const n of numbers(24, 60)) messages.addReceived(message(n))
      assert.closeTo(messages.completeSince ?? Number.NaN, timers.now() - 60_000, 500)
    }),
  )
})
