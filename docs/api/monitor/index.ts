import { MemoryWorld } from "@topic-tracker/core/testing"
import { Monitor } from "@topic-tracker/monitor"
import { Effect, Layer, Redacted } from "effect"

const program = Effect.gen(function* () {
  const world = yield* MemoryWorld.make()
  // A node in memory; TopicTracker.layerConfig() is a real one.
  const node = Monitor.layer({ port: 0 }).pipe(Layer.provideMerge(MemoryWorld.layer(world)))
  yield* Effect.gen(function* () {
    const { url } = yield* Monitor
    console.log(new URL(Redacted.value(url)).hostname) // → 127.0.0.1
  }).pipe(Effect.provide(node))
})

await Effect.runPromise(Effect.scoped(program))
