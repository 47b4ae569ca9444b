import { Topic } from "@topic-tracker/core"
import { MemoryWorld } from "@topic-tracker/core/testing"
import { Presence } from "@topic-tracker/presence"
import { Effect, Schema, Stream } from "effect"

const member = (name: string) =>
  Effect.gen(function* () {
    const topic = yield* Topic.join({ topic: "t", secret: "s", access: "members" })
    const presence = yield* Presence.make(topic, {
      schema: Schema.Struct({ name: Schema.String }),
      state: { name },
    })
    const here = yield* presence.changes.pipe(Stream.take(2), Stream.runCollect)
    yield* Effect.sleep("500 millis")
    return here.map(({ member }) => member.state.name).sort()
  }).pipe(Effect.scoped)

const program = Effect.gen(function* () {
  const world = yield* MemoryWorld.make()
  const node = (name: string) => member(name).pipe(Effect.provide(MemoryWorld.layer(world)))
  const [seen] = yield* Effect.all([node("ada"), node("bo")], { concurrency: 2 })
  console.log(seen) // → [ 'ada', 'bo' ]
})

await Effect.runPromise(Effect.scoped(program))
