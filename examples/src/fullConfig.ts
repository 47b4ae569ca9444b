/**
 * A tracker with every option set, in code (lib/everyOption.ts) or in the environment: names such as
 * TOPIC_TRACKER_PUBLISHER_BASE_INTERVAL, values such as "20 seconds". All options are checked before anything starts.
 */
import { runCommand, UsageError } from "@topic-tracker/cli-kit"
import { Topic, TopicConfig, TopicTracker } from "@topic-tracker/core"
import { Console, Duration, Effect, Layer } from "effect"
import { Command, Flag } from "effect/cli"
import { everyOption } from "./lib/everyOption.ts"
import { layerOn, type Meeting, meetingFlags, secretOf } from "./lib/meeting.ts"
import { talk } from "./lib/talk.ts"

const flags = {
  ...meetingFlags("full-config example"),
  environment: Flag.Boolean("environment").pipe(
    Flag.withDescription("Read the options from the environment (TOPIC_TRACKER_…), not from the code"),
    Flag.withDefault(false),
  ),
}

const fullConfig = Effect.fn("fullConfig")(function* (meeting: Meeting) {
  const topic = yield* Topic.joinNoWait({ topic: meeting.topic, secret: yield* secretOf(meeting) })
  const { profile, ...groups } = topic.config
  yield* Console.log(`profile = ${profile}`)
  for (const [group, options] of Object.entries(groups)) {
    for (const [option, value] of Object.entries(options)) yield* Console.log(`${group}.${option} = ${format(value)}`)
  }
  yield* Console.log("waiting for the first peer…")
  yield* topic.joined
  yield* talk(topic)
}, Effect.scoped)

const format = (value: unknown): string => (Duration.isDuration(value) ? Duration.format(value) : JSON.stringify(value))

const trackerLayer = (environment: boolean, bootstrap: Meeting["bootstrap"]) =>
  Effect.map(environment ? TopicConfig.config : Effect.succeed<TopicConfig.TopicConfigInput>(everyOption), (config) =>
    // Bootstrap nodes of the command line replace those of the configuration.
    TopicTracker.layer({ config: bootstrap.length === 0 ? config : TopicConfig.merge(config, { dht: { bootstrap } }) }),
  ).pipe(
    Effect.mapError(({ message }) => new UsageError({ message })),
    Layer.unwrap,
  )

const command = Command.make("full-config", flags, (options) =>
  fullConfig(options).pipe(
    Effect.provide(layerOn(options, (bootstrap) => trackerLayer(options.environment, bootstrap))),
  ),
).pipe(Command.withDescription("Join a topic with every option set, and print the options. Runs until Ctrl-C."))

runCommand(command, { whenInterrupted: 0 })
