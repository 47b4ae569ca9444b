/** A worker thread that runs scenarios of whole topics, one at a time, until it is terminated. */
import { parentPort } from "node:worker_threads"
import type { PartialFigures } from "../world/Figures.ts"
import type { ReportWithFigures } from "./pool.ts"
import { runTopicScenario } from "./runTopicScenario.ts"
import type { TopicWork, TopicWorkDone } from "./runTopicScenarios.ts"

/** The least time between two reports of progress, and between two reports of figures, in real ms. */
const REPORT_EVERY_MS = 200
const FIGURES_EVERY_MS = 2_000

parentPort?.on("message", ({ scenario, seed, withLog }: TopicWork) => {
  const post = (report: ReportWithFigures<TopicWorkDone, PartialFigures>) => parentPort?.postMessage(report)
  const start = performance.now()
  let reportedAt = start
  let figuresAt = start - FIGURES_EVERY_MS
  const log: Array<string> = []
  try {
    const run = runTopicScenario(scenario, seed, {
      ...(withLog ? { onLine: (line) => log.push(line) } : {}),
      onProgress: (part) => {
        const now = performance.now()
        if (now - reportedAt < REPORT_EVERY_MS) return
        reportedAt = now
        post({ _tag: "Progress", part })
      },
      isWanted: () => performance.now() - figuresAt >= FIGURES_EVERY_MS,
      onFigures: (figures) => {
        figuresAt = performance.now()
        post({ _tag: "SoFar", figures })
      },
    })
    post({ _tag: "Done", result: { run, log: log.join(""), wallMs: performance.now() - start } })
  } catch (cause) {
    post({ _tag: "Failed", message: cause instanceof Error ? cause.message : String(cause) })
  }
})
