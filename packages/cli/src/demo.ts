/** `npm run demo` */
import { runCommand } from "@topic-tracker/cli-kit/runCommand"
import { demoCommand } from "./demoCommand.ts"

runCommand(demoCommand)
