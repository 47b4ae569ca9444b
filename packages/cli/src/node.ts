/**
 * `npm run -s node`. Loading the command takes most of the start, and until then a signal would end the process without a word. So
 * signals are handled first, as the node handles them later, and everything else is loaded after that.
 */
import { catchNodeSignals } from "./nodeSignals.ts"

catchNodeSignals(process.argv)

const { runCommand } = await import("@topic-tracker/cli-kit/runCommand")
const { nodeCommand } = await import("./nodeCommand.ts")

runCommand(nodeCommand, { whenInterrupted: 0 })
