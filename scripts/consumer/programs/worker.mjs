// A node on real sockets in a worker thread is refused with a clear error, and the process lives on. A world in memory works there.
import { once } from "node:events"
import { isMainThread, parentPort, Worker } from "node:worker_threads"
import { Topic, TopicTracker } from "@topic-tracker/core"
import { MemoryWorld } from "@topic-tracker/core/testing"
import { Effect } from "effect"

const join = Topic.joinNoWait({ topic: "worker", secret: "of the packed packages" })

if (isMainThread) {
  for (let i = 0; i < 3; i++) {
    const worker = new Worker(new URL(import.meta.url))
    const [[results], [code]] = await Promise.all([once(worker, "message"), once(worker, "exit")])
    if (code !== 0) throw new Error(`the worker exited with ${code}`)
    if (results.memory !== "joined") throw new Error(`memory: ${results.memory}`)
    if (!/worker thread/.test(results.sockets)) throw new Error(`sockets: ${results.sockets}`)
  }
  console.log("met")
} else {
  const inMemory = Effect.gen(function* () {
    const world = yield* MemoryWorld.make()
    yield* Effect.provide(join, MemoryWorld.layer(world))
    return "joined"
  })
  const bootstrap = ["127.0.0.1:1"]
  const onSockets = Topic.join({ topic: "worker", secret: "of the packed packages" }).pipe(
    Effect.provide(TopicTracker.layer({ config: { dht: { bootstrap } } })),
    Effect.as("joined"),
    Effect.catch((error) => Effect.succeed(error.message)),
  )
  const results = await Effect.runPromise(Effect.scoped(Effect.all({ memory: inMemory, sockets: onSockets })))
  parentPort.postMessage(results)
}
