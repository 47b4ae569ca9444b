/** `npm run -s sim`: simulations from scenario files. */
import { runCommand } from "@topic-tracker/cli-kit"
import { simCommand } from "./command/simCommand.ts"

runCommand(simCommand)
