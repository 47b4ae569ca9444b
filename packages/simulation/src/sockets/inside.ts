/**
 * The program inside a network namespace: sets the namespace up, does one run for its parent process, and ends. It also ends when
 * its parent does, and the namespace with it.
 */
import { Cause, Effect, Exit } from "effect"
import type { TopicWork } from "../run/runTopicScenarios.ts"
import type { InsideReport } from "./namespace.ts"
import { runOverSockets } from "./runOverSockets.ts"
import { packetCounts, setUpNamespace } from "./setUpNamespace.ts"

const post = (report: InsideReport): void => {
  process.send?.(report)
}

const runOnce = async ({ scenario, seed, withLog }: TopicWork): Promise<void> => {
  const start = performance.now()
  const log: Array<string> = []
  const exit = await Effect.runPromiseExit(
    runOverSockets(scenario, seed, {
      ...(withLog ? { onLine: (line) => log.push(line) } : {}),
      onProgress: (part) => post({ _tag: "Progress", part }),
      packetCounts,
    }),
  )
  if (Exit.isFailure(exit)) return post({ _tag: "Failed", message: Cause.pretty(exit.cause) })
  post({ _tag: "Done", result: { run: exit.value, log: log.join(""), wallMs: performance.now() - start } })
}

process.on("disconnect", () => process.exit(1))
process.once("message", (work: TopicWork) => {
  void runOnce(work).then(() => process.disconnect())
})
try {
  setUpNamespace()
  post({ _tag: "Ready" })
} catch (cause) {
  post({ _tag: "Unavailable", message: cause instanceof Error ? cause.message : String(cause) })
}
