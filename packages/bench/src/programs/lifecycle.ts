/**
 * Arguments: COUNT PORT. Joins and leaves topics one after the other. Prints how many a second, and the memory that each leaves
 * behind: the heap after garbage collection less the heap before, after a tenth of COUNT as a warm-up.
 */
import { TopicTracker } from "@topic-tracker/core"
import { Effect } from "effect"
import { main, numberAt, print } from "./print.ts"

const [count, port] = [numberAt(0), numberAt(1)]

const heap = Effect.gen(function* () {
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.()
    yield* Effect.sleep(100)
  }
  return process.memoryUsage().heapUsed
})

const program = Effect.gen(function* () {
  const tracker = yield* TopicTracker
  let serial = 0
  const once = Effect.suspend(() => Effect.scoped(tracker.joinNoWait({ topic: `topic ${serial++}`, secret: "s" })))
  const several = (times: number) =>
    Effect.gen(function* () {
      for (let i = 0; i < times; i++) yield* once
    })
  yield* several(count / 10)
  const before = yield* heap
  const rates: Array<number> = []
  for (let part = 0; part < 5; part++) {
    const start = performance.now()
    yield* several(count / 5)
    rates.push(count / 5 / ((performance.now() - start) / 1000))
  }
  print({ rates, leftBytesPerTopic: ((yield* heap) - before) / count, rssMB: process.memoryUsage.rss() / 1e6 })
})

await main(
  program.pipe(Effect.provide(TopicTracker.layer({ config: { dht: { bootstrap: [{ host: "127.0.0.1", port }] } } }))),
)
