import { TopicTracker } from "@topic-tracker/core"
import * as MemoryWorld from "@topic-tracker/core/testing/MemoryWorld"
import { Effect, Random } from "effect"

// The same seed gives the same keys, delays and choices.
const endpointId = Effect.gen(function* () {
  const world = yield* MemoryWorld.make({ dht: { nodes: 50 } })
  return yield* Effect.map(TopicTracker, (tracker) => tracker.endpointId).pipe(Effect.provide(MemoryWorld.layer(world)))
}).pipe(Effect.scoped, Random.withSeed("a seed"))

const first = await Effect.runPromise(endpointId)
console.log(first === (await Effect.runPromise(endpointId))) // → true
