/**
 * Every option there is, given in code (lib/everyOption.ts), or read from the environment: names such as
 * TOPIC_TRACKER_PUBLISHER_BASE_INTERVAL, values such as "20 seconds". Either way it is checked as a whole before anything starts.
 */
import { runCommand, UsageError } from "@topic-tracker/cli-kit"
import { Topic, TopicConfig, TopicTracker } from "@topic-tracker/core"
import { Console, Duration, Effect, Layer } from "effect"
import { Command, Flag } from "effect/cli"
import { everyOption } from "./lib/everyOption.ts"
import { layerOn, type Meeting, meetingFlags } from "./lib/meeting.ts"
import { talk } from "./lib/talk.ts"

const flags = {
  ...meetingFlags("full-config example"),
  environment: Flag.Boolean("environment").pipe(
    Flag.withDescription("Read the options from the environment, TOPIC_TRACKER_…, and not from the code"),
    Flag.withDefault(false),
  ),
}

const fullConfig = Effect.fn("fullConfig")(function* ({ topic: name, secret }: Meeting) {
  const topic = yield* Topic.joinNoWait({ topic: name, secret })
  for (const [group, options] of Object.entries(topic.config)) {
    for (const [option, value] of Object.entries(options)) yield* Console.log(`${group}.${option} = ${show(value)}`)
  }
  yield* topic.joined
  yield* talk(topic)
}, Effect.scoped)

const show = (value: unknown): string => (Duration.isDuration(value) ? Duration.format(value) : JSON.stringify(value))

const trackerLayer = (environment: boolean, bootstrap: Meeting["bootstrap"]) =>
  Effect.map(environment ? TopicConfig.config : Effect.succeed(everyOption), (config) =>
    // On the command line there may be other DHT nodes to start from than in the configuration.
    TopicTracker.layer(bootstrap.length === 0 ? { config } : { config, bootstrap }),
  ).pipe(
    Effect.mapError(({ message }) => new UsageError({ message })),
    Layer.unwrap,
  )

const command = Command.make("full-config", flags, (options) =>
  fullConfig(options).pipe(
    Effect.provide(layerOn(options, (bootstrap) => trackerLayer(options.environment, bootstrap))),
  ),
).pipe(Command.withDescription("Be in a topic with every option set by hand, and show them; until interrupted."))

runCommand(command, { whenInterrupted: 0 })
