/** The chat as a command. `npm run example:chat` runs it, and so does `topic-tracker chat`. */
import { withExamples } from "@topic-tracker/cli-kit"
import { Topic } from "@topic-tracker/core"
import { Console, Effect } from "effect"
import { Command } from "effect/cli"
import { chatFlags, runChat } from "./chat.ts"

export const chatCommand = Command.make("chat", chatFlags, (options) =>
  runChat(options, ({ join, name }) =>
    Effect.andThen(Console.log(`waiting for the first peer in "${name}"…`), Topic.join(join)),
  ),
).pipe(
  Command.withDescription(
    "Chat with all members of a topic: the nodes that know its name and secret. Starts when the first one is found.",
  ),
  Command.withShortDescription("Chat with the members of a topic"),
  withExamples(
    ["--topic lobby --secret-file secret.txt --name ada", "Chat with all that have the secret"],
    ["--testnet --name ada", "Try it in two terminals, without the internet"],
  ),
)
