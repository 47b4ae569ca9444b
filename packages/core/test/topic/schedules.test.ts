import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Random, type Schedule } from "effect"
import { TestClock } from "effect/testing"
import { defaults } from "../../src/config/TopicConfig.ts"
import { type Tuning, tuningOf } from "../../src/config/Tuning.ts"
import {
  firstPoll,
  type LookOutcome,
  nextPoll,
  onceAfter,
  pollDelay,
  workerSchedule,
} from "../../src/topic/schedules.ts"

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
  it.effect("runs once, after the interval and up to as much again", () =>
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

describe("pollDelay", () => {
  const waits = (outcomes: ReadonlyArray<LookOutcome>, tuning: Partial<Tuning> = {}) => {
    const settings = { config: defaults, tuning: tuningOf("fast", { pollJitter: 0, ...tuning }) }
    let rhythm = firstPoll
    return Effect.forEach(outcomes, (outcome) => {
      const wait = pollDelay(settings, rhythm, outcome)
      rhythm = nextPoll(settings, rhythm, outcome)
      return wait
    })
  }
  const times = (count: number, outcome: LookOutcome) => Array.from({ length: count }, () => outcome)

  it.effect("grows from the fast interval to the reference's, which depends on what was found", () =>
    Effect.gen(function* () {
      const nothing = yield* waits(times(12, "nothing"))
      assert.deepStrictEqual(nothing.slice(0, 3), [50, 75, 113])
      assert.deepStrictEqual(nothing.slice(8, 11), [1281, 1500, 1650])
      const peers = yield* waits(times(12, "peers"))
      assert.deepStrictEqual(peers.slice(-2), [2000, 2000])
    }),
  )

  it.effect("goes on growing, slowly, while nothing is found, and is the reference's again after a find", () =>
    Effect.gen(function* () {
      const alone = yield* waits([...times(40, "nothing"), "peers", "nothing", "nothing"])
      assert.deepStrictEqual(alone.slice(-5), [5000, 5000, 2000, 1500, 1650])
      const sum = alone.slice(0, 20).reduce((total, wait) => total + wait, 0)
      assert.isAbove(sum, 25_000)
      assert.isBelow(sum, 35_000, "some 20 looks in the first 30 s, however long it takes")
    }),
  )

  it.effect("stays at the reference's interval where the slow one is no longer", () =>
    Effect.gen(function* () {
      const alone = yield* waits(times(40, "nothing"), { slowPollMs: 1 })
      assert.deepStrictEqual(alone.slice(-2), [1500, 1500])
    }),
  )
})
