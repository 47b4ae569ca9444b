/** A chat that starts when the first peer is found. The folder chat/ has names, colours and the list of members. */
import { runCommand } from "@topic-tracker/cli-kit"
import { Topic } from "@topic-tracker/core"
import { Console, Effect } from "effect"
import { Command } from "effect/cli"
import { chatFlags, runChat } from "./chat/chat.ts"

const command = Command.make("chat", chatFlags, (options) =>
  runChat(options, ({ join, name }) =>
    Effect.andThen(Console.log(`waiting for the first peer in "${name}"…`), Topic.join(join)),
  ),
).pipe(
  Command.withDescription(
    "Chat with all members of a topic: the nodes that know its name and secret. Starts when the first one is found.",
  ),
)

runCommand(command, { whenInterrupted: 0 })
