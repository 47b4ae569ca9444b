import { Topic } from "@topic-tracker/core"
import { MessageTooLarge } from "@topic-tracker/core/TopicErrorReason"
import { MemoryWorld } from "@topic-tracker/core/testing"
import { Effect } from "effect"

const program = Effect.gen(function* () {
  const world = yield* MemoryWorld.make()
  const tooMuch = Effect.gen(function* () {
    const topic = yield* Topic.joinNoWait({ topic: "t", secret: "s" })
    return yield* Effect.flip(topic.broadcast(new Uint8Array(5000)))
  })
  const { reason } = yield* tooMuch.pipe(Effect.scoped, Effect.provide(MemoryWorld.layer(world)))
  console.log(reason instanceof MessageTooLarge) // → true
})

await Effect.runPromise(Effect.scoped(program))
