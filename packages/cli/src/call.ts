/** `npm run -s call` */
import { runCommand } from "@topic-tracker/cli-kit/runCommand"
import { callCommand } from "./callCommand.ts"

runCommand(callCommand)
