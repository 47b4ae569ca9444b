import * as Topic from "@topic-tracker/core/Topic"
import { MemoryWorld } from "@topic-tracker/core/testing"
import { Effect } from "effect"

const program = Effect.gen(function* () {
  const world = yield* MemoryWorld.make()
  yield* Effect.gen(function* () {
    // Does not wait for the first neighbour, as join does.
    const topic = yield* Topic.joinNoWait({ topic: "a topic", secret: "our secret" })
    console.log(yield* topic.isJoined) // → false
  }).pipe(Effect.scoped, Effect.provide(MemoryWorld.layer(world)))
})

await Effect.runPromise(Effect.scoped(program))
