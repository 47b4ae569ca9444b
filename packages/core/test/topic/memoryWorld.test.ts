import { assert, describe, it } from "@effect/vitest"
import { Topic, TopicTracker } from "@topic-tracker/core"
import { MemoryWorld } from "@topic-tracker/core/testing"
import { Context, Effect, Fiber, Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"

/** A user's program. It needs a TopicTracker of any kind. */
const greet = Effect.gen(function* () {
  const topic = yield* Topic.join({ topic: "t", secret: "s" })
  yield* topic.broadcast("hello")
  const neighbors = [...(yield* topic.neighbors)]
  yield* Effect.sleep("1 second")
  return neighbors
}).pipe(Effect.scoped)

describe("a user's own test", () => {
  it.effect("runs a program on nodes in memory", () =>
    Effect.gen(function* () {
      const world = yield* MemoryWorld.make({ network: { link: () => ({ delayMs: 20 }) } })
      const node = Effect.forkScoped(greet.pipe(Effect.provide(MemoryWorld.layer(world))))
      const fibers = yield* Effect.all([node, node])
      yield* Effect.repeat(TestClock.adjust("100 millis"), { times: 50 })
      const neighbors = yield* Fiber.joinAll(fibers)
      assert.strictEqual(new Set(neighbors.flat()).size, 2, "each had the other")
    }),
  )

  it.effect("gives every node a key of its own, also when they are built in one place", () =>
    Effect.gen(function* () {
      const world = yield* MemoryWorld.make()
      const ids = Effect.map(TopicTracker, ({ endpointId }) => endpointId)
      const inner = yield* Effect.provide(ids, MemoryWorld.layer(world))
      const both = Effect.flatMap(ids, (outer) =>
        Effect.map(Effect.provide(ids, MemoryWorld.layer(world)), (nested) => [outer, nested, inner]),
      )
      const all = yield* Effect.provide(both, MemoryWorld.layer(world))
      assert.strictEqual(new Set(all).size, 3)
    }),
  )

  it.effect("fails with the names of invalid options", () =>
    Effect.gen(function* () {
      const world = yield* MemoryWorld.make()
      const config = { join: { maxJoinPeerCount: 6 } }
      const error = yield* Effect.flip(Layer.build(MemoryWorld.layer(world, { config })))
      assert.include(error.message, "join.maxJoinPeerCount is 6")
    }),
  )

  it.effect("has the given key of 32 bytes", () =>
    Effect.gen(function* () {
      const world = yield* MemoryWorld.make()
      const seed = new Uint8Array(32).fill(7)
      const ids = yield* Effect.forEach([seed, Redacted.make(seed)], (identity) =>
        Layer.build(MemoryWorld.layer(world, { identity })).pipe(
          Effect.map((services) => Context.get(services, TopicTracker).endpointId),
          Effect.scoped,
        ),
      )
      assert.strictEqual(ids[0], "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c")
      assert.strictEqual(ids[1], ids[0])
      const short = { identity: new Uint8Array(31).fill(7) }
      for (const layer of [
        MemoryWorld.layer(world, short),
        TopicTracker.layer({ ...short, config: { dht: { bootstrap: ["127.0.0.1:1"] } } }),
      ]) {
        const error = yield* Effect.flip(Layer.build(layer))
        assert.strictEqual(error._tag, "TopicConfigError")
        assert.strictEqual(error.message, "identity is 31 bytes; expected 32 bytes")
      }
    }),
  )
})
