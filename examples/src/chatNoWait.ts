/** The same chat, started at once: the topic can be used while it searches for peers, and lines wait until a member is here. */
import { runCommand } from "@topic-tracker/cli-kit"
import { Topic } from "@topic-tracker/core"
import { Command } from "effect/cli"
import { chatFlags, runChat } from "./chat/chat.ts"

const command = Command.make("chat-no-wait", chatFlags, (options) =>
  runChat(options, ({ join }) => Topic.joinNoWait(join)),
).pipe(
  Command.withDescription(
    "Chat with all members of a topic: the nodes that know its name and secret. Starts before a peer is found.",
  ),
)

runCommand(command, { whenInterrupted: 0 })
