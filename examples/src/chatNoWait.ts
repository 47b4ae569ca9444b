/** The same chat, started at once: the topic can be used while it searches for peers, and lines wait until a member is here. */
import { runCommand } from "@topic-tracker/cli-kit"
import { Topic, TopicTracker } from "@topic-tracker/core"
import { Console, Effect } from "effect"
import { Command } from "effect/cli"
import { chat, chatFlags, chatTopic } from "./chat/chat.ts"
import { layerOn } from "./lib/meeting.ts"

const command = Command.make("chat-no-wait", chatFlags, (options) =>
  Effect.gen(function* () {
    const { join } = yield* chatTopic(options)
    yield* chat(yield* Topic.joinNoWait(join), options.name)
  }).pipe(
    Effect.scoped,
    Effect.provide(layerOn(options, (bootstrap) => TopicTracker.layer({ config: { dht: { bootstrap } } }))),
    Effect.andThen(Console.log("You left.")),
  ),
).pipe(
  Command.withDescription(
    "Chat with all members of a topic: the nodes that know its name and secret. Starts before a peer is found.",
  ),
)

runCommand(command, { whenInterrupted: 0 })
