/** Signals that come while the command `node` is still being loaded: they do the same as later. It imports next to nothing. */
import { catchEarlySignals } from "@topic-tracker/cli-kit/earlySignals"

export const catchNodeSignals = (args: ReadonlyArray<string>): void =>
  catchEarlySignals(() => {
    const closed = { event: "closed", t: Math.round(performance.now() * 10) / 10, reason: "interrupted" }
    console.log(args.includes("--json") ? JSON.stringify(closed) : "closed: interrupted")
  })
