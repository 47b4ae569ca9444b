import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Logger } from "effect"
import { OtherMinutes } from "../../../src/topic/search/OtherMinutes.ts"
import { collect, joinAll, makeWorld, pass } from "../world.ts"

/** Runs the effect with a time of day that is ahead by so many ms; sleeping fibers are not affected. */
const ahead = <A, E, R>(millis: () => number, effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(Clock.Clock, (clock) => {
    const shifted: Clock.Clock = Object.assign(Object.create(clock), {
      currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe() + millis(),
      currentTimeMillis: Effect.sync(() => clock.currentTimeMillisUnsafe() + millis()),
      currentTimeNanosUnsafe: () => clock.currentTimeNanosUnsafe() + BigInt(millis()) * 1_000_000n,
      currentTimeNanos: Effect.sync(() => clock.currentTimeNanosUnsafe() + BigInt(millis()) * 1_000_000n),
    })
    return Effect.provideService(effect, Clock.Clock, shifted)
  })

const TWENTY_MINUTES = 20 * 60_000

describe("a node whose clock is wrong", () => {
  it.effect.each([2, 3, 5, 10, -2, -3, -5, -10])("by %i minutes finds the swarm, and warns once", (minutes) =>
    Effect.gen(function* () {
      const warnings: Array<string> = []
      const logger = Logger.make(({ logLevel, message }) => {
        if (logLevel === "Warn") warnings.push(String(message))
      })
      yield* Effect.gen(function* () {
        const world = yield* makeWorld()
        yield* ahead(
          () => TWENTY_MINUTES,
          Effect.flatMap(world.nodes(2), (nodes) => joinAll(nodes)),
        )
        yield* pass("30 seconds")
        const late = yield* ahead(
          () => TWENTY_MINUTES + minutes * 60_000,
          Effect.flatMap(world.node(), (node) => node.join()),
        )
        const activities = yield* collect(late.activity)
        yield* pass("25 seconds")
        assert.isFalse(yield* late.isJoined)
        yield* pass("100 seconds")
        assert.isTrue(yield* late.isJoined)
        yield* pass("10 minutes")
        const off = activities.flatMap((activity) => (activity._tag === "ClockOff" ? [activity.minutes] : []))
        assert.lengthOf(off, 1)
        assert.isAtMost(Math.abs((off[0] ?? 0) - minutes), 1)
      }).pipe(Effect.provide(Logger.layer([logger])))
      const [warning, ...more] = warnings.filter((text) => text.includes("clock"))
      assert.deepStrictEqual(more, [])
      assert.match(
        warning ?? "",
        new RegExp(
          `^this node's clock is \\d+ minutes ${minutes > 0 ? "ahead of" : "behind"} a peer's: one of them is wrong`,
        ),
      )
    }),
  )

  it.effect("and shows a time before 1970 reports that, goes on, and finds peers once it is set", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const running = yield* ahead(
        () => TWENTY_MINUTES,
        Effect.flatMap(world.nodes(1), (nodes) => joinAll(nodes)),
      )
      let offset = -3_600_000
      const topic = yield* ahead(
        () => offset,
        Effect.flatMap(world.node(), (node) => node.join()),
      )
      const activities = yield* collect(topic.activity)
      yield* pass("1 minute")
      const failures = activities.flatMap((activity) => (activity._tag === "Failed" ? [activity.message] : []))
      assert.deepStrictEqual([...new Set(failures)], ["the time of day is before 1970; set the clock of this host"])
      assert.isBelow(failures.length, 60)
      const error = yield* ahead(() => offset, Effect.flip(topic.recordPublisher.unixMinute))
      assert.strictEqual(error._tag, "ClockBeforeEpoch")
      offset = TWENTY_MINUTES
      yield* pass("10 seconds")
      assert.isTrue(yield* topic.isJoined)
      assert.isTrue(yield* running[0]!.isJoined)
    }),
  )
})

describe("OtherMinutes", () => {
  it("has four turns in the first 90 s alone, then one in five minutes, and none twice", () => {
    const other = new OtherMinutes()
    other.begin(1_000)
    const offsets = (seconds: number) =>
      other.takeDue(1_000 + seconds * 1_000, 100n).map((minute) => Number(minute - 100n))
    assert.deepStrictEqual(offsets(29), [])
    assert.deepStrictEqual(offsets(30), [3, 2, 1, -2, -3])
    assert.deepStrictEqual(offsets(49), [])
    assert.deepStrictEqual(offsets(50), [6, 5, 4, -4, -5, -6])
    assert.deepStrictEqual(offsets(70), [8, 7, -7, -8])
    assert.deepStrictEqual(offsets(90), [10, 9, -9, -10])
    assert.deepStrictEqual(offsets(389), [])
    assert.deepStrictEqual(offsets(390), [3, 2, 1, -2, -3])
  })

  it("begins with the offset at which a peer was found before", () => {
    const other = new OtherMinutes()
    other.begin(0)
    assert.isUndefined(other.joinedThrough(99n, 100n))
    assert.strictEqual(other.joinedThrough(93n, 100n), 7)
    assert.isUndefined(other.joinedThrough(93n, 100n), "once")
    other.begin(60_000)
    assert.deepStrictEqual(other.takeDue(60_000, 100n).slice(0, 3), [94n, 93n, 92n])
  })
})
