/**
 * Arguments: COUNT PORT. Opens many topics at once, which another process opens at the same time. Prints when half of them and when all
 * of them had a neighbour, in ms since the first was opened.
 */
import { TopicTracker } from "@topic-tracker/core"
import { Effect } from "effect"
import { main, numberAt, print } from "./print.ts"

const [count, port] = [numberAt(0), numberAt(1)]

const program = Effect.gen(function* () {
  const tracker = yield* TopicTracker
  const start = performance.now()
  const joined: Array<number> = []
  yield* Effect.forEach(
    Array.from({ length: count }, (_, i) => `topic ${i}`),
    (topic) =>
      Effect.tap(tracker.join({ topic, secret: "secret" }), () =>
        Effect.sync(() => joined.push(performance.now() - start)),
      ),
    { concurrency: "unbounded", discard: true },
  )
  print({ half: joined[Math.floor(count / 2)], all: joined.at(-1) })
  // The other process may not have joined all topics yet.
  yield* Effect.sleep("1 second")
})

await main(
  program.pipe(
    Effect.scoped,
    Effect.provide(TopicTracker.layer({ config: { dht: { bootstrap: [{ host: "127.0.0.1", port }] } } })),
  ),
)
