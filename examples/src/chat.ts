/** A chat that starts when the first peer is found. The folder chat/ has names, colours and the list of members. */
import { runCommand } from "@topic-tracker/cli-kit"
import { Topic, TopicTracker } from "@topic-tracker/core"
import { Console, Effect } from "effect"
import { Command } from "effect/cli"
import { chat, chatFlags } from "./chat/chat.ts"
import { layerOn, secretOf } from "./lib/meeting.ts"

const command = Command.make("chat", chatFlags, (options) =>
  Effect.gen(function* () {
    const secret = yield* secretOf(options)
    yield* Console.log(`waiting for the first peer in "${options.topic}"…`)
    yield* chat(yield* Topic.join({ topic: options.topic, secret }), options.name)
  }).pipe(
    Effect.scoped,
    Effect.provide(layerOn(options, (bootstrap) => TopicTracker.layer({ config: { dht: { bootstrap } } }))),
    Effect.andThen(Console.log("You left.")),
  ),
).pipe(
  Command.withDescription(
    "Chat with all nodes that know the topic and its secret. Starts when the first one is found.",
  ),
)

runCommand(command, { whenInterrupted: 0 })
