import { assert, describe, it } from "@effect/vitest"
import { makeFiberCounter } from "@topic-tracker/common/testing"
import { Clock, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { firstOf, Signal, Timers } from "../src/index.ts"

/** Forks the wait. The fiber returns the time of its end in ms. */
const endOf = (wait: Effect.Effect<void>) =>
  Effect.forkChild(Effect.andThen(wait, Clock.currentTimeMillis), { startImmediately: true })

describe("Signal", () => {
  it.effect("wakes all waiting fibers when it opens, and does not hold fibers while it is open", () =>
    Effect.gen(function* () {
      const signal = new Signal(yield* Timers.make, false)
      const waiting = yield* Effect.forEach([1, 2, 3], () => endOf(signal.await))
      yield* TestClock.adjust("1 second")
      for (const fiber of waiting) assert.isUndefined(fiber.pollUnsafe())
      signal.open()
      assert.deepStrictEqual(yield* Effect.forEach(waiting, Fiber.join), [1000, 1000, 1000])
      yield* signal.await
      signal.close()
      const late = yield* endOf(signal.await)
      yield* TestClock.adjust("1 second")
      assert.isUndefined(late.pollUnsafe())
      signal.open()
      assert.strictEqual(yield* Fiber.join(late), 2000)
    }).pipe(Effect.scoped),
  )

  it.effect("ends a wait with the first of several signals, or at the time limit", () =>
    Effect.gen(function* () {
      const timers = yield* Timers.make
      const [a, b] = [new Signal(timers, false), new Signal(timers, false)]
      const [byTime, bySignal] = [yield* endOf(firstOf(timers, [a], 300)), yield* endOf(firstOf(timers, [a, b], 900))]
      yield* TestClock.adjust("500 millis")
      b.open()
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([yield* Fiber.join(byTime), yield* Fiber.join(bySignal)], [300, 500])
    }).pipe(Effect.scoped),
  )

  it.effect("forks no fiber for a wait, and keeps no timer of an interrupted wait", () =>
    Effect.gen(function* () {
      const timers = yield* Timers.make
      const signal = new Signal(timers, false)
      const counter = makeFiberCounter()
      yield* Effect.gen(function* () {
        const waiting = yield* Effect.forEach(Array.from({ length: 50 }), (_, i) =>
          endOf(firstOf(timers, [signal], 100 + i)),
        )
        assert.strictEqual(timers.size, 50)
        assert.strictEqual(counter.alive, 50)
        yield* Effect.forEach(waiting, Fiber.interrupt)
        assert.strictEqual(counter.alive, 0)
      }).pipe(counter.counted)
      assert.strictEqual(timers.size, 0)
      signal.open()
      yield* TestClock.adjust("1 second")
    }).pipe(Effect.scoped),
  )

  it.effect("takes 100,000 waits and gives them up again, each in the same time", () =>
    Effect.gen(function* () {
      const signal = new Signal(yield* Timers.make, false)
      let woken = 0
      const waits = Array.from({ length: 100_000 }, () => () => void woken++)
      const start = performance.now()
      for (const run of waits) signal.add(run)
      for (const run of waits.slice(1)) signal.remove(run)
      assert.isBelow(performance.now() - start, 5_000)
      signal.open()
      yield* TestClock.adjust("1 second")
      assert.strictEqual(woken, 1)
    }).pipe(Effect.scoped),
  )
})
