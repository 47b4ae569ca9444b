import { Topic } from "@topic-tracker/core"
import { MemoryWorld } from "@topic-tracker/core/testing"
import { Effect } from "effect"

const program = Effect.gen(function* () {
  const world = yield* MemoryWorld.make()
  const neighbors = Effect.gen(function* () {
    const topic = yield* Topic.join({ topic: "t", secret: "s" })
    const { size } = yield* topic.neighbors
    // The other one counts too before this one leaves.
    yield* Effect.sleep("1 second")
    return size
  }).pipe(Effect.scoped, Effect.provide(MemoryWorld.layer(world)))
  console.log(yield* Effect.all([neighbors, neighbors], { concurrency: 2 })) // → [ 1, 1 ]
})

await Effect.runPromise(Effect.scoped(program))
