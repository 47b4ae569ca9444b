/** A worker thread that runs scenarios of the gossip protocol, one at a time, until it is terminated. */
import { parentPort } from "node:worker_threads"
import { runGossipScenario } from "../gossip/runGossipScenario.ts"
import type { Report } from "./pool.ts"
import type { GossipWork, GossipWorkDone } from "./runGossipScenarios.ts"

parentPort?.on("message", ({ scenario, seed }: GossipWork) => {
  const start = performance.now()
  let report: Report<GossipWorkDone>
  try {
    const run = runGossipScenario(scenario, seed)
    report = { _tag: "Done", result: { run, wallMs: performance.now() - start } }
  } catch (cause) {
    report = { _tag: "Failed", message: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause) }
  }
  parentPort?.postMessage(report)
})
