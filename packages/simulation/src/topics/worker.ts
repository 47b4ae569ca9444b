/** A worker thread for runs of whole topics: one at a time, until it is ended. */
import { parentPort } from "node:worker_threads"
import type { Report } from "../run/pool.ts"
import type { TopicWork, TopicWorkDone } from "./runAllTopics.ts"
import { runTopics } from "./runTopics.ts"

/** Progress is told about so often, in ms of the wall. */
const tellEveryMs = 200

parentPort?.on("message", ({ scenario, seed, withLog }: TopicWork) => {
  const post = (report: Report<TopicWorkDone>) => parentPort?.postMessage(report)
  const start = performance.now()
  let told = start
  const log: Array<string> = []
  try {
    const run = runTopics(scenario, seed, {
      ...(withLog ? { onLine: (line) => log.push(line) } : {}),
      onProgress: (part) => {
        const now = performance.now()
        if (now - told < tellEveryMs) return
        told = now
        post({ _tag: "Progress", part })
      },
    })
    post({ _tag: "Done", result: { run, log: log.join(""), wallMs: performance.now() - start } })
  } catch (cause) {
    post({ _tag: "Failed", message: cause instanceof Error ? cause.message : String(cause) })
  }
})
