import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Random, Scope } from "effect"
import { TestClock } from "effect/testing"
import { Timers } from "../src/index.ts"

describe("Timers", () => {
  it.effect("run at their time, and in order of creation if the time is the same", () =>
    Effect.gen(function* () {
      const timers = yield* Timers.make
      const ran: Array<string> = []
      const start = timers.now()
      for (const [name, delay] of [
        ["c", 30],
        ["a", 10],
        ["b1", 20],
        ["b2", 20],
      ] as const) {
        timers.schedule(delay, () => ran.push(`${name} at ${timers.now() - start}`))
      }
      yield* TestClock.adjust(20)
      assert.deepStrictEqual(ran, ["a at 10", "b1 at 20", "b2 at 20"])
      yield* TestClock.adjust(10)
      assert.deepStrictEqual(ran.slice(3), ["c at 30"])
      assert.strictEqual(timers.size, 0)
    }),
  )

  it.effect("run once at their time, or never if cancelled, with many timers at random", () =>
    Effect.gen(function* () {
      const timers = yield* Timers.make
      const random = yield* Random.Random
      const below = (bound: number) => Math.floor(random.nextDoubleUnsafe() * bound)
      const due = new Map<number, number>()
      const late: Array<number> = []
      const made = Array.from({ length: 500 }, (_, i) => {
        const at = timers.now() + below(200)
        due.set(i, at)
        return timers.schedule(at - timers.now(), () => {
          if (due.get(i) !== timers.now()) late.push(i)
          due.delete(i)
        })
      })
      const cancelled = made.filter((_, i) => {
        if (below(3) > 0) return false
        due.delete(i)
        return true
      })
      for (const timer of cancelled) timers.cancel(timer)
      assert.strictEqual(timers.size, due.size)
      for (let i = 0; i < 100; i++) yield* TestClock.adjust(2)
      assert.deepStrictEqual([due.size, late, timers.size], [0, [], 0])
      for (const timer of made) timers.cancel(timer)
    }),
  )

  it.effect("may schedule and cancel other timers from a callback", () =>
    Effect.gen(function* () {
      const timers = yield* Timers.make
      const ran: Array<string> = []
      const victim = timers.schedule(10, () => ran.push("victim"))
      timers.schedule(5, () => {
        ran.push("first")
        timers.cancel(victim)
        timers.schedule(0, () => ran.push("at once"))
        timers.schedule(7, () => ran.push("later"))
      })
      yield* TestClock.adjust(5)
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(ran, ["first", "at once"])
      yield* TestClock.adjust(6)
      assert.deepStrictEqual(ran, ["first", "at once", "later"])
    }),
  )

  it.effect("run `runSoon` callbacks in order after the current task, without a change of the clock", () =>
    Effect.gen(function* () {
      const timers = yield* Timers.make
      const ran: Array<number> = []
      timers.runSoon(() => {
        ran.push(1)
        timers.runSoon(() => ran.push(3))
      })
      timers.runSoon(() => ran.push(2))
      assert.deepStrictEqual(ran, [])
      yield* TestClock.adjust(0)
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(ran, [1, 2, 3])
    }),
  )

  it.effect("do not run after the scope has closed", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const timers = yield* Timers.make.pipe(Scope.provide(scope))
      const ran: Array<string> = []
      timers.schedule(1, () => ran.push("timer"))
      timers.runSoon(() => ran.push("soon"))
      yield* Scope.close(scope, Exit.void)
      timers.schedule(1, () => ran.push("too late"))
      yield* TestClock.adjust(10)
      assert.deepStrictEqual(ran, [])
      assert.strictEqual(timers.size, 0)
    }),
  )
})
