import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber } from "effect"
import { collect, joinAll, makeWorld, pass, quiet, quietWith } from "./world.ts"

/** Runs a test whose time of day can be set back; sleeping fibers are not affected, as on a real machine. */
const withTimeOfDay = <A, E, R>(test: (setBack: (millis: number) => void) => Effect.Effect<A, E, R>) =>
  Effect.flatMap(Clock.Clock, (clock) => {
    let offset = 7_200_000
    const shifted: Clock.Clock = Object.assign(Object.create(clock), {
      currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe() + offset,
      currentTimeMillis: Effect.sync(() => clock.currentTimeMillisUnsafe() + offset),
      currentTimeNanosUnsafe: () => clock.currentTimeNanosUnsafe() + BigInt(offset) * 1_000_000n,
      currentTimeNanos: Effect.sync(() => clock.currentTimeNanosUnsafe() + BigInt(offset) * 1_000_000n),
    })
    const setBack = (millis: number) => {
      offset -= millis
    }
    return Effect.provideService(test(setBack), Clock.Clock, shifted)
  })

describe("when the clock is set back", () => {
  it.effect("peers that did not answer are dialled again as soon as before", () =>
    withTimeOfDay((setBack) =>
      Effect.gen(function* () {
        const world = yield* makeWorld({ dht: { keepFirst: 0.5 } })
        world.network.setReachable(() => false)
        // A lookup of a few nodes only may miss the other node's record.
        const options = quietWith({}, { pollBreadth: 20 })
        const topics = yield* joinAll(yield* world.nodes(2, options))
        yield* pass("5 seconds")
        assert.isAbove((yield* topics[0]!.stats).dials, 0)
        setBack(3_600_000)
        world.network.setReachable(() => true)
        yield* pass("10 seconds")
        assert.isTrue(yield* topics[0]!.isJoined)
        const activities = yield* collect(topics[0]!.activity)
        yield* pass("1 millis")
        for (const activity of activities) if ("millis" in activity) assert.isAtLeast(activity.millis, 0)
      }),
    ),
  )
})

describe("when the clock is set forward", () => {
  it.effect("a slot that is being read is read to its end", () =>
    withTimeOfDay((setBack) =>
      Effect.gen(function* () {
        // Half of the nodes keep the first record and half the last, and they answer one after the other.
        const world = yield* makeWorld({ dht: { keepFirst: 0.5, latency: (chance) => 50 + 50 * chance } })
        const [a, b, reader] = yield* world.nodes(3, quiet)
        yield* a!.join()
        yield* pass("1 second")
        yield* b!.join()
        const { recordPublisher } = yield* reader!.join({ config: { bootstrap: { maxBootstrapRecords: 0 } } })
        yield* pass("10 seconds")
        const minute = yield* recordPublisher.unixMinute
        const reading = yield* Effect.forkChild(recordPublisher.recordsArray(minute))
        yield* pass("5 millis")
        setBack(-3_600_000)
        yield* pass("1 second")
        assert.strictEqual((yield* Fiber.join(reading)).length, 2)
      }),
    ),
  )

  it.effect("the times of the activity continue", () =>
    withTimeOfDay((setBack) =>
      Effect.gen(function* () {
        const world = yield* makeWorld()
        const topic = yield* (yield* world.node(quiet)).join()
        const activities = yield* collect(topic.activity)
        yield* pass("5 millis")
        setBack(-3_600_000)
        yield* pass("5 seconds")
        for (const activity of activities) {
          assert.isBelow(activity.at, 6000)
          if ("millis" in activity) assert.isBelow(activity.millis, 6000)
        }
        assert.include(
          activities.map(({ _tag }) => _tag),
          "RecordPublished",
        )
      }),
    ),
  )
})
