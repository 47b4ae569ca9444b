import { Topic } from "@topic-tracker/core"
import { MemoryWorld } from "@topic-tracker/core/testing"
import { Effect, Schema, Stream } from "effect"

const meet = (name: string) =>
  Effect.gen(function* () {
    const topic = yield* Topic.join({ topic: "a topic", secret: "our secret", access: "members" })
    const names = yield* topic.channel("names", Schema.String)
    yield* names.publish(name)
    const [first] = yield* names.messages.pipe(Stream.take(1), Stream.runCollect)
    yield* Effect.sleep("500 millis")
    return first?.value
  }).pipe(Effect.scoped)

// Two nodes in memory. With TopicTracker.layerConfig() in place of the world they meet on the internet.
const program = Effect.gen(function* () {
  const world = yield* MemoryWorld.make()
  const node = (name: string) => meet(name).pipe(Effect.provide(MemoryWorld.layer(world)))
  console.log(yield* Effect.all([node("ada"), node("bo")], { concurrency: 2 })) // → [ 'bo', 'ada' ]
})

await Effect.runPromise(Effect.scoped(program))
