/** A worker thread: runs what it is given, one piece of work at a time, until it is ended. */
import { parentPort } from "node:worker_threads"
import { runScenario } from "../gossip/runScenario.ts"
import type { Report } from "./pool.ts"
import type { Work, WorkDone } from "./work.ts"

parentPort?.on("message", ({ scenario, seed }: Work) => {
  const start = performance.now()
  let report: Report<WorkDone>
  try {
    const run = runScenario(scenario, seed)
    report = { _tag: "Done", result: { run, wallMs: performance.now() - start } }
  } catch (cause) {
    report = { _tag: "Failed", message: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause) }
  }
  parentPort?.postMessage(report)
})
