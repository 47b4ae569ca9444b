/**
 * Tests a program that uses topics, with a tracker in memory instead of the real one, and with TestClock instead of real time.
 * Everything else is real (records, keys, gossip protocol). No socket is opened, and six minutes take no time.
 */
import { assert, describe, it } from "@effect/vitest"
import { TopicTracker } from "@topic-tracker/core"
import { MemoryWorld } from "@topic-tracker/core/testing"
import { Context, type Duration, Effect, Exit, Layer, Ref, Scope } from "effect"
import { TestClock } from "effect/testing"
import { Thermometer, Weather } from "../src/testYourApp/Weather.ts"

/** A node with the app in the world. The test can read its temperatures, heat it and switch it off. */
const makeStation = Effect.fn("makeStation")(function* (
  world: MemoryWorld.MemoryWorld,
  station: string,
  celsius: number,
) {
  const temperature = yield* Ref.make(celsius)
  const scope = yield* Scope.fork(yield* Effect.scope)
  const services = yield* Weather.layer({ topic: "weather", secret: "of the valley", station }).pipe(
    Layer.provide(Layer.succeed(Thermometer, { celsius: Ref.get(temperature) })),
    Layer.provide(MemoryWorld.layer(world)),
    Layer.buildWithScope(scope),
  )
  return {
    temperatures: Effect.map(Context.get(services, Weather).temperatures, Object.fromEntries),
    heatTo: (to: number) => Ref.set(temperature, to),
    switchOff: Scope.close(scope, Exit.void),
  }
})

/** Adjusts the clock. All fibers run until they wait for the clock again, before and after. */
const pass = (duration: Duration.Input) =>
  settle.pipe(Effect.andThen(TestClock.adjust(duration)), Effect.andThen(settle))
const settle = Effect.repeat(Effect.yieldNow, { times: 100 })

describe("Weather", () => {
  it.effect("has the temperature of the other stations when they meet, and changes within a minute", () =>
    Effect.gen(function* () {
      const world = yield* MemoryWorld.make()
      const valley = yield* makeStation(world, "valley", 18)
      const peak = yield* makeStation(world, "peak", -4.5)
      yield* pass("2 seconds")
      assert.deepStrictEqual(yield* valley.temperatures, { peak: -4.5 })
      assert.deepStrictEqual(yield* peak.temperatures, { valley: 18 })

      yield* peak.heatTo(3)
      yield* pass("1 minute")
      assert.deepStrictEqual(yield* valley.temperatures, { peak: 3 })
    }),
  )

  it.effect("removes a station five minutes after its last report", () =>
    Effect.gen(function* () {
      const world = yield* MemoryWorld.make()
      const valley = yield* makeStation(world, "valley", 18)
      const peak = yield* makeStation(world, "peak", -4.5)
      yield* pass("2 seconds")
      yield* peak.switchOff
      yield* pass("4 minutes")
      assert.deepStrictEqual(yield* valley.temperatures, { peak: -4.5 })
      yield* pass("1 minute")
      assert.deepStrictEqual(yield* valley.temperatures, {})
    }),
  )

  it.effect("ignores messages that are not reports", () =>
    Effect.gen(function* () {
      const world = yield* MemoryWorld.make()
      const valley = yield* makeStation(world, "valley", 18)
      // A node with the secret that sends other messages.
      const stranger = Context.get(yield* Layer.build(MemoryWorld.layer(world)), TopicTracker)
      const topic = yield* stranger.joinNoWait({ topic: "weather", secret: "of the valley" })
      yield* pass("2 seconds")
      for (const text of ["sunny", '{"station":"peak","celsius":"hot"}']) yield* topic.broadcast(text)
      yield* pass("2 seconds")
      assert.deepStrictEqual(yield* valley.temperatures, {})
    }),
  )
})
