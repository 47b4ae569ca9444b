import * as TrackerMetrics from "@topic-tracker/core/TrackerMetrics"
import { MemoryWorld } from "@topic-tracker/core/testing"
import { Effect, Layer, Metric } from "effect"

const program = Effect.gen(function* () {
  const world = yield* MemoryWorld.make()
  const node = TrackerMetrics.layer().pipe(Layer.provideMerge(MemoryWorld.layer(world)))
  yield* Effect.gen(function* () {
    const names = (yield* Metric.snapshot).map(({ id }) => id)
    console.log(names.includes("topic_tracker_dht_gets")) // → true
  }).pipe(Effect.provide(node))
})

await Effect.runPromise(Effect.scoped(program))
