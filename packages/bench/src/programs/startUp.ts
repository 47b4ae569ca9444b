/**
 * From nothing to the first packet: PORT, where the far end listens. The process's start is the start of its clock, so that
 * the time to load the program counts. Prints when the modules were there, when the sockets were bound, and when the
 * first packet had left, in ms.
 */
import { TopicTracker } from "@topic-tracker/core"
import { Dht } from "@topic-tracker/dht"
import { Effect } from "effect"
import { main, numberAt, print } from "./print.ts"

const imported = performance.now()

const program = Effect.gen(function* () {
  const tracker = yield* TopicTracker
  const dht = yield* Dht
  const bound = performance.now()
  yield* tracker.joinNoWait({ topic: "start", secret: "secret" })
  while ((yield* dht.stats).packetsSent === 0) yield* Effect.promise(() => new Promise(setImmediate))
  print({ imported, bound, firstPacket: performance.now() })
})

await main(
  program.pipe(
    Effect.scoped,
    Effect.provide(TopicTracker.layer({ bootstrap: [{ host: "127.0.0.1", port: numberAt(0) }] })),
  ),
)
