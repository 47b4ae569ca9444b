/** `npm run -s send-file` */
import { runCommand } from "@topic-tracker/cli-kit/runCommand"
import { sendFileCommand } from "./sendFileCommand.ts"

runCommand(sendFileCommand, { whenInterrupted: 0 })
