/**
 * A topic without the two background merges: it reads the DHT to find its first neighbour and not again while it has one.
 * That saves traffic where the swarm is small or peers are known otherwise, and leaves a split swarm split.
 */
import { runCommand } from "@topic-tracker/cli-kit"
import { Topic, type TopicConfig, TopicTracker } from "@topic-tracker/core"
import { Effect } from "effect"
import { Command } from "effect/cli"
import { layerOn, type Meeting, meetingFlags } from "./lib/meeting.ts"
import { talk } from "./lib/talk.ts"

/** Only what differs from the defaults. */
const config: TopicConfig.TopicConfigInput = {
  bubbleMerge: { enabled: false },
  messageOverlapMerge: { enabled: false },
}

const withoutMergers = Effect.fn("withoutMergers")(function* ({ topic, secret }: Meeting) {
  yield* talk(yield* Topic.join({ topic, secret }))
}, Effect.scoped)

const command = Command.make("without-mergers", meetingFlags("without-mergers example"), (options) =>
  withoutMergers(options).pipe(
    Effect.provide(layerOn(options, (bootstrap) => TopicTracker.layer({ bootstrap, config }))),
  ),
).pipe(Command.withDescription("Be in a topic whose merge workers are turned off; until interrupted."))

runCommand(command, { whenInterrupted: 0 })
