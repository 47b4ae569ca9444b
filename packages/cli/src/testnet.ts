/** `npm run -s testnet` */
import { runCommand } from "@topic-tracker/cli-kit/runCommand"
import { testnetCommand } from "./testnetCommand.ts"

runCommand(testnetCommand, { whenInterrupted: 0 })
