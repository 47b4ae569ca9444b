/**
 * A small program of one's own on a topic: weather stations that tell each other the temperature once a minute. A station that
 * has not been heard of for five minutes is forgotten.
 *
 * Nothing in it knows whether there is a network: it needs a `TopicTracker`, and takes the time from Effect's Clock. So its
 * test gives it a tracker in memory and moves the clock: see test/testYourApp.test.ts.
 */
import { Topic, type TopicConfig, type TopicError, type TopicTracker } from "@topic-tracker/core"
import { Clock, Context, Effect, Layer, Option, Schedule, Schema, Stream } from "effect"

const FORGET_AFTER = 5 * 60_000

/** What a station broadcasts. The time makes every message differ: gossip drops content it has just seen. */
const Report = Schema.fromJsonString(
  Schema.Struct({ station: Schema.NonEmptyString, celsius: Schema.Finite, measuredAt: Schema.Int }),
)
const decodeReport = Schema.decodeUnknownOption(Report)
const encodeReport = Schema.encodeSync(Report)

/** Where a station's own temperature comes from. */
export class Thermometer extends Context.Service<Thermometer, { readonly celsius: Effect.Effect<number> }>()(
  "example/Thermometer",
) {}

export interface WeatherOptions extends Topic.JoinOptions {
  /** The name of this station. */
  readonly station: string
}

export class Weather extends Context.Service<
  Weather,
  {
    /** The last temperature (°C) of each other station heard of within five minutes. */
    readonly temperatures: Effect.Effect<ReadonlyMap<string, number>>
  }
>()("example/Weather") {
  static readonly layer = (
    options: WeatherOptions,
  ): Layer.Layer<Weather, TopicError | TopicConfig.TopicConfigError, TopicTracker | Thermometer> =>
    Layer.effect(Weather, make(options))
}

const make = Effect.fn("Weather")(function* (options: WeatherOptions) {
  const thermometer = yield* Thermometer
  const topic = yield* Topic.joinNoWait(options)
  const events = yield* topic.subscribe()
  const heard = new Map<string, { readonly celsius: number; readonly at: number }>()

  const report = Effect.gen(function* () {
    const celsius = yield* thermometer.celsius
    const measuredAt = yield* Clock.currentTimeMillis
    yield* topic.broadcast(encodeReport({ station: options.station, celsius, measuredAt }))
    // Not sent is no reason to give up: there is another report in a minute.
  }).pipe(Effect.catch((error) => Effect.logWarning(`not reported: ${error.message}`)))

  const note = Effect.fnUntraced(function* (text: string | undefined) {
    const decoded = decodeReport(text)
    if (Option.isNone(decoded)) return
    const { station, celsius } = decoded.value
    heard.set(station, { celsius, at: yield* Clock.currentTimeMillis })
  })

  yield* events.pipe(
    Stream.runForEach((event) => {
      // Who comes does not wait a minute for our first report.
      if (event._tag === "NeighborUp") return report
      return event._tag === "Message" ? note(event.text) : Effect.void
    }),
    Effect.forkScoped,
  )
  yield* Effect.forkScoped(Effect.repeat(report, Schedule.spaced("1 minute")))

  return Weather.of({
    temperatures: Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      for (const [station, { at }] of heard) if (now - at >= FORGET_AFTER) heard.delete(station)
      return new Map(Array.from(heard, ([station, { celsius }]) => [station, celsius]))
    }),
  })
})
