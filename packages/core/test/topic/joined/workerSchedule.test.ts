import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Random, type Schedule } from "effect"
import { TestClock } from "effect/testing"
import { onceAfter, workerSchedule } from "../../../src/topic/joined/workers.ts"

/** The times (ms) at which a worker runs within 10 minutes of virtual time; each run takes `takes`. */
const runsOf = (schedule: Schedule.Schedule<number>, takes: Duration.Input = 0) =>
  Effect.gen(function* () {
    const times: Array<number> = []
    const run = Effect.andThen(
      Effect.map(Clock.currentTimeMillis, (now) => times.push(now)),
      Effect.sleep(takes),
    )
    yield* Effect.forkChild(Effect.schedule(run, schedule))
    yield* TestClock.adjust("10 minutes")
    return times
  }).pipe(Effect.scoped)

describe("workerSchedule", () => {
  it.effect("runs after the initial delay, then after base and jitter from the end of the last run", () =>
    Effect.gen(function* () {
      const takes = 700
      const times = yield* runsOf(
        workerSchedule(Duration.seconds(10), Duration.seconds(10), Duration.seconds(50)),
        takes,
      )
      assert.strictEqual(times[0], 10_000)
      const gaps = times.slice(1).map((time, i) => time - times[i]! - takes)
      assert.isTrue(gaps.every((gap) => gap >= 10_000 && gap < 60_000))
      assert.strictEqual(new Set(gaps).size, gaps.length, "chance varies every gap")
    }).pipe(Random.withSeed("worker")),
  )

  it.effect("counts a base below one second as one second, and keeps a shorter initial delay", () =>
    Effect.gen(function* () {
      const times = yield* runsOf(workerSchedule(Duration.millis(5), Duration.millis(5), Duration.zero))
      assert.deepStrictEqual(times.slice(0, 4), [5, 1005, 2005, 3005])
    }),
  )
})

describe("onceAfter", () => {
  it.effect("runs once, after one to two times the interval", () =>
    Effect.gen(function* () {
      const all: Array<number> = []
      for (let i = 0; i < 20; i++) {
        const before = yield* Clock.currentTimeMillis
        const times = yield* runsOf(onceAfter(Duration.seconds(2)))
        assert.strictEqual(times.length, 1)
        all.push(times[0]! - before)
      }
      assert.isTrue(all.every((time) => time >= 2000 && time <= 4000))
      assert.isAbove(new Set(all).size, 10)
    }).pipe(Random.withSeed("once")),
  )
})
