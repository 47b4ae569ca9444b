/** A chat that starts when the first peer is found. The folder chat/ has names, colours and the list of members. */
import { runCommand } from "@topic-tracker/cli-kit"
import { chatCommand } from "./chat/chatCommand.ts"

runCommand(chatCommand, { whenInterrupted: 0 })
