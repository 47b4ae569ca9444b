import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import { EventQueue } from "../src/index.ts"

const lagged = (skipped: number) => `lost ${skipped}`

describe("EventQueue", () => {
  it.effect("gives the events in order and ends after close", () =>
    Effect.gen(function* () {
      const queue = new EventQueue<number>({ capacity: 4, whenFull: "drop-oldest" })
      const reader = yield* Effect.forkChild(Stream.runCollect(queue.stream), { startImmediately: true })
      queue.push(1)
      queue.push(2)
      yield* Effect.yieldNow
      queue.push(3)
      queue.close()
      queue.push(4)
      assert.deepStrictEqual(yield* Fiber.join(reader), [1, 2, 3])
    }),
  )

  it("drops the oldest event when it is full, and reports how many were dropped first", () => {
    let dropped = 0
    const queue = new EventQueue<string>({ capacity: 2, whenFull: "drop-oldest", lagged, onDropped: () => dropped++ })
    assert.isFalse(queue.push("a"))
    assert.isTrue(queue.push("b"))
    assert.isFalse(queue.push("c"))
    assert.isFalse(queue.push("d"))
    assert.isTrue(queue.isFull)
    assert.deepStrictEqual(queue.takeAll(), ["lost 2", "c", "d"])
    assert.strictEqual(dropped, 2)
    assert.isFalse(queue.isFull)
    assert.deepStrictEqual(queue.takeAll(), [])
  })

  it("keeps every event up to its reserve with backpressure, and calls onDrained when it is empty again", () => {
    let drained = 0
    const options = { capacity: 2, whenFull: "backpressure", reserve: 1, lagged, onDrained: () => drained++ } as const
    const queue = new EventQueue<string>(options)
    for (const event of ["a", "b", "c"]) queue.push(event)
    assert.deepStrictEqual(queue.takeAll(), ["a", "b", "c"])
    assert.strictEqual(drained, 1)
    for (const event of ["d", "e", "f", "g"]) queue.push(event)
    assert.deepStrictEqual(queue.takeAll(), ["lost 1", "e", "f", "g"])
  })

  it.effect("lets onReady decide when a waiting reader wakes", () =>
    Effect.gen(function* () {
      const ready: Array<EventQueue<number>> = []
      const queue = new EventQueue<number>({
        capacity: 4,
        whenFull: "drop-oldest",
        onReady: (each) => ready.push(each),
      })
      const reader = yield* Effect.forkChild(queue.pull, { startImmediately: true })
      queue.push(1)
      queue.push(2)
      yield* Effect.yieldNow
      assert.isUndefined(reader.pollUnsafe())
      assert.deepStrictEqual(ready, [queue])
      queue.resume()
      assert.deepStrictEqual(yield* Fiber.join(reader), [1, 2])
    }),
  )

  it.effect("ends at once, without its events, when it is discarded", () =>
    Effect.gen(function* () {
      let drained = 0
      const queue = new EventQueue<number>({ capacity: 1, whenFull: "backpressure", onDrained: () => drained++ })
      queue.push(1)
      queue.discard()
      assert.deepStrictEqual(yield* Stream.runCollect(queue.stream), [])
      assert.strictEqual(drained, 1)
    }),
  )

  it.effect("gives its initial events first, and counts those that a later push drops", () =>
    Effect.gen(function* () {
      const options = {
        capacity: 2,
        whenFull: "drop-oldest",
        initial: [1, 2, 3],
        lagged: (skipped: number) => -skipped,
      } as const
      const read = new EventQueue<number>(options)
      assert.deepStrictEqual(yield* read.pull, [1, 2, 3])
      const unread = new EventQueue<number>(options)
      unread.push(4)
      assert.deepStrictEqual(yield* unread.pull, [-2, 3, 4])
    }),
  )
})
