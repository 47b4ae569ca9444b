/**
 * Typed messages: every node of a topic measures a temperature and hears those of the others, as values of a Schema. The channel gives
 * each author's readings in order and each once, also equal ones, and says which ones nobody has any more.
 */
import { runCommand } from "@topic-tracker/cli-kit"
import { Topic, TopicTracker } from "@topic-tracker/core"
import { Console, Effect, Random, Schedule, Schema, Stream } from "effect"
import { Command } from "effect/cli"
import { layerOn, membersFlags, membersTopicOf } from "./lib/meeting.ts"
import { short } from "./lib/talk.ts"

const TOPIC = "typed-channel example"

/** Both ends check it. A field that is added later must be optional: then programs of both versions read each other's messages. */
const Reading = Schema.Struct({
  celsius: Schema.Finite.check(Schema.isBetween({ minimum: -90, maximum: 60 })),
  battery: Schema.optionalKey(Schema.Literals(["full", "low"])),
})

const typedChannel = Effect.fn("typedChannel")(function* (options: Parameters<typeof membersTopicOf>[1]) {
  const { join } = yield* membersTopicOf(TOPIC, options)
  const topic = yield* Topic.joinNoWait(join)
  const readings = yield* topic.channel("readings", Reading)

  const measure = Effect.gen(function* () {
    const celsius = yield* Random.nextIntBetween(18, 25)
    // Waits for the first neighbor. The number says how many readings of ours there are.
    const published = yield* readings.publish({ celsius, ...(celsius < 20 && { battery: "low" }) })
    if (published._tag === "Published") yield* Console.log(`sent reading ${published.seq}: ${celsius} °C`)
  })
  yield* Effect.forkScoped(Effect.repeat(measure, Schedule.spaced("1 second")))

  yield* Stream.runForEach(readings.events, (event) => {
    switch (event._tag) {
      case "Received": {
        const { battery = "full", celsius } = event.value
        return Console.log(`reading ${event.seq} of ${short(event.author)}: ${celsius} °C, battery ${battery}`)
      }
      case "Missed":
        return Console.log(`readings ${event.from} to ${event.to} of ${short(event.author)} are lost`)
      case "Undecodable":
        return Console.log(`reading ${event.seq} of ${short(event.author)} does not fit the schema`)
      case "Lagged":
        return Console.log(`too slow: ${event.skipped} readings were lost`)
    }
  })
}, Effect.scoped)

const command = Command.make("typed-channel", membersFlags(TOPIC), (options) =>
  typedChannel(options).pipe(
    Effect.provide(layerOn(options, (bootstrap) => TopicTracker.layer({ config: { dht: { bootstrap } } }))),
  ),
).pipe(Command.withDescription("Exchange temperatures as values of a Schema. Runs until Ctrl-C."))

runCommand(command, { whenInterrupted: 0 })
