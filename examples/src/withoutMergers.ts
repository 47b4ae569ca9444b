/**
 * A topic without the two background merges: it reads the DHT only while it has no neighbor. That saves traffic in a small swarm, or if
 * the peers are known from elsewhere. A partitioned swarm stays partitioned.
 */
import { runCommand } from "@topic-tracker/cli-kit"
import { Topic, type TopicConfig, TopicTracker } from "@topic-tracker/core"
import { Console, Effect } from "effect"
import { Command } from "effect/cli"
import { layerOn, type Meeting, meetingFlags, secretOf } from "./lib/meeting.ts"
import { talk } from "./lib/talk.ts"

/** Only the options that differ from the defaults. */
const config: TopicConfig.TopicConfigInput = {
  bubbleMerge: { enabled: false },
  messageOverlapMerge: { enabled: false },
}

const withoutMergers = Effect.fn("withoutMergers")(function* (meeting: Meeting) {
  yield* Console.log("waiting for the first peer…")
  yield* talk(yield* Topic.join({ topic: meeting.topic, secret: yield* secretOf(meeting) }))
}, Effect.scoped)

const command = Command.make("without-mergers", meetingFlags("without-mergers example"), (options) =>
  withoutMergers(options).pipe(
    Effect.provide(layerOn(options, (bootstrap) => TopicTracker.layer({ config: { ...config, dht: { bootstrap } } }))),
  ),
).pipe(Command.withDescription("Join a topic without merge workers. Runs until Ctrl-C."))

runCommand(command, { whenInterrupted: 0 })
