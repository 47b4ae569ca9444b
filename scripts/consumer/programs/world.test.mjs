// A consumer's own test with vitest: topics in memory, time under TestClock.
import { it } from "@effect/vitest"
import { Topic, TopicTracker } from "@topic-tracker/core"
import { MemoryWorld } from "@topic-tracker/core/testing"
import { Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import { expect } from "vitest"

it.effect("two programs find each other in a world in memory", () =>
  Effect.gen(function* () {
    const world = yield* MemoryWorld.make()
    const node = Effect.gen(function* () {
      const topic = yield* Topic.join({ topic: "consumer", secret: "of the packed packages" })
      yield* topic.broadcast(`hello from ${(yield* TopicTracker).endpointId}`)
      return yield* Stream.runCollect(Stream.take(topic.messages, 1))
    }).pipe(Effect.scoped, (effect) => Effect.provide(effect, MemoryWorld.layer(world)))
    const both = yield* Effect.forkChild(Effect.all([node, node], { concurrency: 2 }))
    yield* TestClock.adjust("1 minute")
    const [[one], [other]] = yield* Fiber.join(both)
    expect(one.text).toMatch(/^hello from /)
    expect(other.text).not.toBe(one.text)
  }),
)
