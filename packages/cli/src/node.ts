/**
 * `npm run -s node`. Loading the command takes most of the start, and until then a signal would end the process without a word. So
 * signals are handled first, as the node handles them later, and everything else is loaded after that.
 */
import { catchEarlySignals } from "@topic-tracker/cli-kit/earlySignals"

catchEarlySignals(() => {
  const closed = { event: "closed", t: Math.round(performance.now() * 10) / 10, reason: "interrupted" }
  console.log(process.argv.includes("--json") ? JSON.stringify(closed) : "closed: interrupted")
})

const { runCommand } = await import("@topic-tracker/cli-kit/runCommand")
const { nodeCommand } = await import("./nodeCommand.ts")

runCommand(nodeCommand, { whenInterrupted: 0 })
