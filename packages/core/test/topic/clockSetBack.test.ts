import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { collect, joinAll, makeWorld, pass, quiet } from "./world.ts"

/** Runs a test whose time of day can be set back; what sleeps is not concerned, as on a real machine. */
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
  it.effect("peers that did not answer before are dialled again as soon as ever", () =>
    withTimeOfDay((setBack) =>
      Effect.gen(function* () {
        const world = yield* makeWorld({ dht: { keepFirst: 0.5 } })
        world.network.setReachable(() => false)
        const topics = yield* joinAll(yield* world.nodes(2, { config: quiet }))
        yield* pass("5 seconds")
        assert.isAbove((yield* topics[0]!.stats).dials, 0)
        setBack(3_600_000)
        world.network.setReachable(() => true)
        yield* pass("10 seconds")
        assert.isTrue(yield* topics[0]!.isJoined)
        const account = yield* collect(topics[0]!.account)
        yield* pass("1 millis")
        for (const doing of account) if ("millis" in doing) assert.isAtLeast(doing.millis, 0)
      }),
    ),
  )
})
