import { assert, describe, it } from "@effect/vitest"
import { Effect, Random } from "effect"
import type { Topic } from "../../src/topic/Topic.ts"
import { joinAll, makeWorld, pass, swarms } from "./world.ts"

/** The number of swarms that ten nodes form 5 s after they started at the same moment; one number for each seed. */
const countSwarms = (earlyMergeMs: number) =>
  Effect.forEach(
    Array.from({ length: 12 }, (_, seed) => seed),
    (seed) =>
      Effect.gen(function* () {
        const world = yield* makeWorld({ dht: { latency: (chance) => 60 + 120 * chance } })
        const nodes = yield* world.nodes(10, { tuning: { earlyMergeMs, memberSearchMs: 0 } })
        const topics = yield* joinAll(nodes)
        yield* pass("5 seconds")
        for (const topic of topics) assert.isTrue(yield* topic.isJoined)
        return yield* swarms(nodes, topics)
      }).pipe(Effect.scoped, Random.withSeed(seed)),
  )

describe("nodes that start at the same moment", () => {
  it.effect("form several swarms, which become one soon after", () =>
    Effect.gen(function* () {
      const without = yield* countSwarms(0)
      assert.isAbove(Math.max(...without), 1, "there are swarms to merge")
      const one = Array.from(without, () => 1)
      assert.deepStrictEqual(yield* countSwarms(1_000), one)
    }),
  )

  it.effect("do one early merge; a node that comes to a running swarm does none", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const laterLookups = Effect.fnUntraced(function* (topic: Topic) {
        assert.isTrue(yield* topic.isJoined)
        const { lookups } = yield* topic.stats
        yield* pass("4 seconds")
        return (yield* topic.stats).lookups - lookups
      })
      const [first] = yield* joinAll(yield* world.nodes(4))
      yield* pass("500 millis")
      assert.strictEqual(yield* laterLookups(first!), 1)
      const late = yield* (yield* world.node()).join()
      yield* pass("500 millis")
      assert.strictEqual(yield* laterLookups(late), 0)
    }),
  )
})
