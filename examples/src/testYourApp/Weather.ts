/**
 * A small program on a topic: weather stations that send each other their temperature once a minute. A station without a report for
 * five minutes is removed.
 *
 * It does not know whether there is a network: it needs a `TopicTracker`, and takes the time from Effect's Clock. Its test gives it a
 * tracker in memory and adjusts the clock: see test/testYourApp.test.ts.
 */
import { Topic, type TopicConfig, type TopicError, type TopicTracker } from "@topic-tracker/core"
import { Clock, Context, Effect, Layer, Option, Schedule, Schema, Stream } from "effect"

const FORGET_AFTER_MS = 5 * 60_000

/** The message of a station. The time makes each message different: gossip drops content that it has seen in the last 90 s. */
const Report = Schema.fromJsonString(
  Schema.Struct({ station: Schema.NonEmptyString, celsius: Schema.Finite, measuredAt: Schema.Int }),
)
const decodeReport = Schema.decodeUnknownOption(Report)
const encodeReport = Schema.encodeSync(Report)

/** The source of a station's own temperature. */
export class Thermometer extends Context.Service<Thermometer, { readonly celsius: Effect.Effect<number> }>()(
  "example/Thermometer",
) {}

/** The topic and the name of a station. */
export interface WeatherOptions extends Topic.JoinOptions {
  /** The name of this station. */
  readonly station: string
}

/** The temperatures of all stations. */
export class Weather extends Context.Service<
  Weather,
  {
    /** The last temperature (°C) of each other station that reported in the last five minutes. */
    readonly temperatures: Effect.Effect<ReadonlyMap<string, number>>
  }
>()("example/Weather") {
  static readonly layer = (
    options: WeatherOptions,
  ): Layer.Layer<Weather, TopicError | TopicConfig.TopicConfigError, TopicTracker | Thermometer> =>
    Layer.effect(Weather, make(options))
}

const make = Effect.fn("Weather")(function* ({ station, ...join }: WeatherOptions) {
  const thermometer = yield* Thermometer
  const topic = yield* Topic.joinNoWait(join)
  const events = yield* topic.subscribe()
  const heard = new Map<string, { readonly celsius: number; readonly at: number }>()

  const report = Effect.gen(function* () {
    const celsius = yield* thermometer.celsius
    const measuredAt = yield* Clock.currentTimeMillis
    yield* topic.broadcast(encodeReport({ station, celsius, measuredAt }))
    // After a failure the next report follows in a minute.
  }).pipe(Effect.catch((error) => Effect.logWarning(`not reported: ${error.message}`)))

  const receive = Effect.fnUntraced(function* (text: string | undefined) {
    const decoded = decodeReport(text)
    if (Option.isNone(decoded)) return
    const { station, celsius } = decoded.value
    heard.set(station, { celsius, at: yield* Clock.currentTimeMillis })
  })

  yield* events.pipe(
    Stream.runForEach((event) => {
      // A new neighbor gets a report at once.
      if (event._tag === "NeighborUp") return report
      return event._tag === "Message" ? receive(event.text) : Effect.void
    }),
    Effect.forkScoped,
  )
  yield* Effect.forkScoped(Effect.repeat(report, Schedule.spaced("1 minute")))

  return Weather.of({
    temperatures: Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      for (const [station, { at }] of heard) if (now - at >= FORGET_AFTER_MS) heard.delete(station)
      return new Map(Array.from(heard, ([station, { celsius }]) => [station, celsius]))
    }),
  })
})
