/** A worker thread: runs what it is given, one piece of work at a time, until it is ended. */
import { parentPort } from "node:worker_threads"
import { runScenario } from "../gossip/runScenario.ts"
import type { Done, Work } from "./work.ts"

parentPort?.on("message", ({ index, scenario, seed }: Work) => {
  const start = performance.now()
  let done: Done
  try {
    done = { _tag: "Done", index, result: runScenario(scenario, seed), wallMs: performance.now() - start }
  } catch (cause) {
    done = { _tag: "Failed", index, message: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause) }
  }
  parentPort?.postMessage(done)
})
