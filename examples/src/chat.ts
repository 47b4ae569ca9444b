/** A chat that starts when the first peer is found. The folder chat/ has names, colours and the list of members. */
import { runCommand } from "@topic-tracker/cli-kit"
import { Topic, TopicTracker } from "@topic-tracker/core"
import { Console, Effect } from "effect"
import { Command } from "effect/cli"
import { chat, chatFlags, chatTopic } from "./chat/chat.ts"
import { layerOn } from "./lib/meeting.ts"

const command = Command.make("chat", chatFlags, (options) =>
  Effect.gen(function* () {
    const { join, name } = yield* chatTopic(options)
    yield* Console.log(`waiting for the first peer in "${name}"…`)
    yield* chat(yield* Topic.join(join), options.name)
  }).pipe(
    Effect.scoped,
    Effect.provide(layerOn(options, (bootstrap) => TopicTracker.layer({ config: { dht: { bootstrap } } }))),
    Effect.andThen(Console.log("You left.")),
  ),
).pipe(
  Command.withDescription(
    "Chat with all members of a topic: the nodes that know its name and secret. Starts when the first one is found.",
  ),
)

runCommand(command, { whenInterrupted: 0 })
