/**
 * `npm run -s node`: one node in a topic, which is nodeCommand.ts. Loading it takes most of the start, and a signal in that time
 * would end the process without a word; so this stands before it, and answers as the node does from then on.
 */
import { answerSignals } from "./earlySignals.ts"

answerSignals(() => {
  const closed = { event: "closed", t: Math.round(performance.now() * 10) / 10, reason: "interrupted" }
  console.log(process.argv.includes("--json") ? JSON.stringify(closed) : "closed: interrupted")
})

await import("./nodeCommand.ts")
