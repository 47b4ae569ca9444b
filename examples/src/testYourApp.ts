/** The weather station of testYourApp/Weather.ts on the real network. Its test is test/testYourApp.test.ts. */
import { Flags, runCommand } from "@topic-tracker/cli-kit"
import { TopicTracker } from "@topic-tracker/core"
import { Console, Effect, Layer, Random, Schedule } from "effect"
import { Command, Flag } from "effect/cli"
import { layerOn, meetingFlags, secretOf } from "./lib/meeting.ts"
import { Thermometer, Weather } from "./testYourApp/Weather.ts"

const flags = {
  ...meetingFlags("weather example"),
  station: Flags.text("station", 'The name of this station (default "here")').pipe(Flag.withDefault("here")),
}

/** An invented temperature. */
const randomThermometer = Layer.succeed(Thermometer, {
  celsius: Effect.map(Random.nextBetween(10, 25), (celsius) => Math.round(celsius * 10) / 10),
})

const printTemperatures = Effect.gen(function* () {
  const weather = yield* Weather
  const lines = Array.from(
    yield* weather.temperatures,
    ([station, celsius]) => `${JSON.stringify(station)}: ${celsius} °C`,
  )
  yield* Console.log(lines.length === 0 ? "no other station yet" : lines.sort().join(", "))
})

const command = Command.make("test-your-app", flags, ({ station, topic, ...options }) =>
  printTemperatures.pipe(
    Effect.repeat(Schedule.spaced("2 seconds")),
    Effect.provide(
      Layer.unwrap(Effect.map(secretOf(options), (secret) => Weather.layer({ station, topic, secret }))).pipe(
        Layer.provide(randomThermometer),
        Layer.provide(layerOn(options, (bootstrap) => TopicTracker.layer({ config: { dht: { bootstrap } } }))),
      ),
    ),
  ),
).pipe(
  Command.withDescription(
    "A weather station that sends its temperature and prints those of other stations. Runs until Ctrl-C.",
  ),
)

runCommand(command, { whenInterrupted: 0 })
