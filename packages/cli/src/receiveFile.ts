/** `npm run -s receive-file` */
import { runCommand } from "@topic-tracker/cli-kit/runCommand"
import { receiveFileCommand } from "./receiveFileCommand.ts"

runCommand(receiveFileCommand)
