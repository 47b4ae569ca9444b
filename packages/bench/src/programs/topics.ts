/**
 * Arguments: COUNT SETTLED SECONDS PORT. Measures the cost of COUNT topics without other nodes in one process. The DHT runs in
 * another process, its first node at PORT. Prints what was used in SECONDS after all topics were open, and the part of the processor
 * time after the first SETTLED seconds, when the start is over.
 */
import { readdirSync, readlinkSync } from "node:fs"
import { TopicTracker } from "@topic-tracker/core"
import { Dht } from "@topic-tracker/dht"
import { Effect, Metric } from "effect"
import { main, numberAt, print } from "./print.ts"

const [count, settled, seconds, port] = [numberAt(0), numberAt(1), numberAt(2), numberAt(3)]

/** Open sockets of this process; -1 where there is no /proc. */
const sockets = (): number => {
  try {
    return readdirSync("/proc/self/fd").filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith("socket:")
      } catch {
        return false
      }
    }).length
  } catch {
    return -1
  }
}

/** Processor time of this process so far. */
const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

let fibers = 0
const counting: Metric.FiberRuntimeMetricsService = {
  recordFiberStart: () => void fibers++,
  recordFiberEnd: () => void fibers--,
}

const program = Effect.gen(function* () {
  const tracker = yield* TopicTracker
  const dht = yield* Dht
  const socketsBefore = sockets()
  // The Rust program is also measured from its start to its end.
  const start = performance.now()
  for (let i = 0; i < count; i++) yield* tracker.joinNoWait({ topic: `topic ${i}`, secret: "secret" })
  const opened = performance.now()
  yield* Effect.sleep(`${settled} seconds`)
  const started = cpuSeconds()
  yield* Effect.sleep(`${seconds - settled} seconds`)
  const used = cpuSeconds()
  const stats = yield* dht.stats
  const minutes = (performance.now() - start) / 60_000
  const [rss, { heapUsed }] = [process.memoryUsage.rss(), process.memoryUsage()]
  globalThis.gc?.()
  print({
    openMillis: opened - start,
    rssMB: rss / 1e6,
    heapMB: heapUsed / 1e6,
    liveHeapMB: process.memoryUsage().heapUsed / 1e6,
    sockets: sockets(),
    socketsForTopics: sockets() - socketsBefore,
    fibers,
    cpuSeconds: used,
    idleCpuSeconds: used - started,
    packetsPerTopicMinute: stats.packetsSent / count / minutes,
    lookups: stats.lookups,
  })
})

await main(
  program.pipe(
    Effect.scoped,
    Effect.provide(TopicTracker.layer({ config: { dht: { bootstrap: [{ host: "127.0.0.1", port }] } } })),
    Effect.provideService(Metric.FiberRuntimeMetrics, counting),
  ),
)
