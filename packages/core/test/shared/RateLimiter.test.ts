import { assert, describe, it } from "@effect/vitest"
import { Signal, Timers } from "@topic-tracker/common"
import { Clock, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { RateLimiter } from "../../src/shared/RateLimiter.ts"
import { makeWorld, pass } from "../topic/world.ts"

/** Waits for permits, all at once. Returns when each came, in ms. */
const permits = (count: number, permit: Effect.Effect<void>) =>
  Effect.forEach(Array.from({ length: count }), () => Effect.andThen(permit, Clock.currentTimeMillis), {
    concurrency: "unbounded",
  })

// Virtual time, but some seconds of a busy processor.
describe("RateLimiter", { timeout: 60_000 }, () => {
  it.effect("gives a few permits at once, the others one after another in order of arrival", () =>
    Effect.gen(function* () {
      const rateLimiter = new RateLimiter(yield* Timers.make)
      const urgent = yield* Effect.forkChild(permits(232, rateLimiter.awaitPermit("urgent")), {
        startImmediately: true,
      })
      const routine = yield* Effect.forkChild(permits(116, rateLimiter.awaitPermit("routine")), {
        startImmediately: true,
      })
      yield* TestClock.adjust("5 seconds")
      const [soon, later] = [yield* Fiber.join(urgent), yield* Fiber.join(routine)]
      assert.deepStrictEqual([soon.filter((at) => at === 0).length, later.filter((at) => at === 0).length], [32, 16])
      assert.deepStrictEqual(
        soon.slice(32),
        Array.from({ length: 200 }, (_, i) => 5 * (i + 1)),
      )
      assert.deepStrictEqual(
        later.slice(16),
        Array.from({ length: 100 }, (_, i) => 10 * (i + 1)),
      )
    }).pipe(Effect.scoped),
  )

  it.effect("has a permit while one is free", () =>
    Effect.gen(function* () {
      const rateLimiter = new RateLimiter(yield* Timers.make)
      assert.isTrue(rateLimiter.hasPermit("routine"))
      yield* Effect.forkChild(permits(20, rateLimiter.awaitPermit("routine")), { startImmediately: true })
      assert.deepStrictEqual([rateLimiter.hasPermit("routine"), rateLimiter.hasPermit("urgent")], [false, true])
      yield* TestClock.adjust("40 millis")
      assert.isFalse(rateLimiter.hasPermit("routine"))
      yield* TestClock.adjust("10 millis")
      assert.isTrue(rateLimiter.hasPermit("routine"))
    }).pipe(Effect.scoped),
  )

  it.effect("gives a few permits at once again after a pause, and not more", () =>
    Effect.gen(function* () {
      const rateLimiter = new RateLimiter(yield* Timers.make)
      yield* permits(16, rateLimiter.awaitPermit("routine"))
      yield* TestClock.adjust("1 hour")
      const again = yield* Effect.forkChild(permits(18, rateLimiter.awaitPermit("routine")), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      const hour = 3_600_000
      assert.deepStrictEqual((yield* Fiber.join(again)).slice(14), [hour, hour, hour + 10, hour + 20])
    }).pipe(Effect.scoped),
  )

  it.effect("does not make a fiber wait whose signal opened", () =>
    Effect.gen(function* () {
      const timers = yield* Timers.make
      const [rateLimiter, signal] = [new RateLimiter(timers), new Signal(timers, false)]
      yield* permits(16, rateLimiter.awaitPermit("routine"))
      const waiting = yield* Effect.forkChild(permits(5, rateLimiter.awaitPermit("routine", signal)), {
        startImmediately: true,
      })
      yield* TestClock.adjust("20 millis")
      signal.open()
      assert.deepStrictEqual(yield* Fiber.join(waiting), [10, 20, 20, 20, 20])
      assert.strictEqual(timers.size, 0)
    }).pipe(Effect.scoped),
  )

  it.effect("gives the permit of an interrupted fiber to the next one", () =>
    Effect.gen(function* () {
      const timers = yield* Timers.make
      const [rateLimiter, signal] = [new RateLimiter(timers), new Signal(timers, false)]
      yield* permits(16, rateLimiter.awaitPermit("routine"))
      const given = yield* Effect.forkChild(permits(1000, rateLimiter.awaitPermit("routine")), {
        startImmediately: true,
      })
      const called = yield* Effect.forkChild(permits(1000, rateLimiter.awaitPermit("routine", signal)), {
        startImmediately: true,
      })
      const last = yield* Effect.forkChild(permits(2, rateLimiter.awaitPermit("routine")), { startImmediately: true })
      yield* TestClock.adjust("15 millis")
      yield* Fiber.interrupt(given)
      signal.open()
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(called)
      assert.deepStrictEqual(yield* Fiber.join(last), [20, 30])
      assert.isTrue(rateLimiter.hasPermit("routine"))
      assert.strictEqual(timers.size, 0)
    }).pipe(Effect.scoped),
  )

  it.effect("does not make a topic wait for many that were opened and left", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const [node, peer] = yield* world.nodes(2)
      yield* peer!.join()
      yield* pass("1 second")
      const visit = Effect.gen(function* () {
        for (let i = 0; i < 600; i++) yield* node!.join({ topic: `topic ${i}` })
        yield* pass("500 millis")
      })
      for (let i = 0; i < 5; i++) yield* Effect.scoped(visit)
      const topic = yield* node!.join()
      yield* pass("1 second")
      assert.isTrue(yield* topic.isJoined)
    }),
  )

  it.effect("limits the lookups of a node's many topics to some hundred a second, and all are found", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const names = Array.from({ length: 400 }, (_, i) => `topic ${i}`)
      const host = yield* world.node()
      const topics = yield* Effect.forEach(names, (topic) => host.join({ topic }))
      const lookups = Effect.map(
        Effect.forEach(topics, (topic) => topic.stats),
        (all) => all.reduce((sum, stats) => sum + stats.lookups, 0),
      )
      yield* pass("1 second")
      assert.isAtMost(yield* lookups, 232)
      yield* pass("30 seconds")
      const before = yield* lookups
      yield* pass("10 seconds")
      const aSecond = ((yield* lookups) - before) / 10
      assert.isAtLeast(aSecond, 80)
      assert.isAtMost(aSecond, 102)
      for (const topic of topics) assert.isAtLeast((yield* topic.stats).recordsPublished, 1)
      // One that comes now does not wait behind them.
      const guest = yield* world.node()
      const joining = yield* guest.join({ topic: "topic 399" })
      yield* pass("200 millis")
      assert.isTrue(yield* joining.isJoined)
      const own = yield* host.join({ topic: "another" })
      yield* pass("50 millis")
      assert.isAtLeast((yield* own.stats).lookups, 1)
    }),
  )
})
