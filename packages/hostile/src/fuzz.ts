/** `npm run -s fuzz` */
import { runCommand } from "@topic-tracker/cli-kit"
import { fuzzCommand } from "./fuzzCommand.ts"

runCommand(fuzzCommand)
