/** `npm run -s monitor` */
import { runCommand } from "@topic-tracker/cli-kit/runCommand"
import { monitorCommand } from "./monitorCommand.ts"

runCommand(monitorCommand, { whenInterrupted: 0 })
