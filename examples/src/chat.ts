/** A chat that opens when the first other is found. Names, colours, who is here: see chat/. */
import { runCommand } from "@topic-tracker/cli-kit"
import { Topic, TopicTracker } from "@topic-tracker/core"
import { Console, Effect } from "effect"
import { Command } from "effect/cli"
import { chat, chatFlags } from "./chat/chat.ts"
import { layerOn } from "./lib/meeting.ts"

const command = Command.make("chat", chatFlags, (options) =>
  Effect.gen(function* () {
    const { topic: name, secret } = options
    yield* Console.log(`Looking for others in "${name}"…`)
    yield* chat(yield* Topic.join({ topic: name, secret }), options.name)
  }).pipe(
    Effect.scoped,
    Effect.provide(layerOn(options, (bootstrap) => TopicTracker.layer({ bootstrap }))),
    Effect.andThen(Console.log("You left.")),
  ),
).pipe(Command.withDescription("Chat with whoever knows the topic and its secret, once somebody is there."))

runCommand(command, { whenInterrupted: 0 })
