/** `npm run -s invite` */
import { runCommand } from "@topic-tracker/cli-kit/runCommand"
import { inviteCommand } from "./inviteCommand.ts"

runCommand(inviteCommand)
