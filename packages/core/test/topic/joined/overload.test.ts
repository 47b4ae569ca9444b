/** A topic whose slot is on DHT nodes that answer fewer queries than they get: what its nodes do about that must not add to it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Random } from "effect"
import type { Topic } from "../../../src/topic/Topic.ts"
import { joinAll, makeWorld, type NodeOptions, pass, quiet } from "../world.ts"

describe("a slot under a service rate", { timeout: 60_000 }, () => {
  it.effect("gets fewer queries when its nodes drop many", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({
        dht: { nodes: 100, latency: (chance) => 20 + 60 * chance, lostDelay: 200, getsPerSecond: 0.4 },
      })
      const nodes = yield* world.nodes(40)
      yield* joinAll(nodes)
      const sums = Effect.gen(function* () {
        const load = yield* world.dht.load
        return {
          gets: load.reduce((sum, { gets }) => sum + gets, 0),
          puts: load.reduce((sum, { puts }) => sum + puts, 0),
        }
      })
      const rates: Array<{ readonly gets: number; readonly puts: number }> = []
      for (let i = 0; i < 4; i++) {
        const before = yield* sums
        yield* pass("5 minutes")
        const after = yield* sums
        const nodeMinutes = 5 * nodes.length
        rates.push({ gets: (after.gets - before.gets) / nodeMinutes, puts: (after.puts - before.puts) / nodeMinutes })
      }
      // With every round run while lookups find nothing: 46 and 36 for good.
      assert.isBelow(rates[3]!.gets, 30)
      assert.isBelow(rates[3]!.puts, 20)
    }),
  )

  it.effect(
    "gets few queries and no records of joined nodes while nobody answers, and their records again soon after",
    () =>
      Effect.gen(function* () {
        const world = yield* makeWorld({ dht: { lostDelay: 50 } })
        const topics = yield* joinAll(yield* world.nodes(3))
        yield* pass("1 minute")
        const before = yield* sumsOf(topics)
        yield* world.dht.setFaults({ lostGets: 1 })
        yield* pass("10 minutes")
        const silent = yield* sumsOf(topics)
        assert.strictEqual(silent.recordsPublished, before.recordsPublished)
        // 44 if the publisher did not wait.
        assert.isAtMost(silent.lookups - before.lookups, 30)
        yield* world.dht.setFaults({ lostGets: 0 })
        yield* pass("6 minutes")
        assert.isAbove((yield* sumsOf(topics)).recordsPublished, silent.recordsPublished + 6)
      }),
  )

  it.effect(
    "gets the record of a node that joins while it is busy from the publisher's first round, and else at once",
    () =>
      Effect.gen(function* () {
        const world = yield* makeWorld({ dht: { latency: (chance) => 20 + 60 * chance, lostDelay: 100 } })
        yield* joinAll(yield* world.nodes(3))
        yield* pass("30 seconds")
        const published = Effect.fnUntraced(function* (options: NodeOptions) {
          const topic = yield* (yield* world.node(options)).join()
          yield* pass("8 seconds")
          assert.isTrue(yield* topic.isJoined)
          return (yield* topic.stats).recordsPublished
        })
        assert.strictEqual(yield* published({}), 1)
        yield* world.dht.setFaults({ lostGets: 0.9 })
        // With this seed the swarm's record is in the first answers.
        assert.strictEqual(yield* published({}), 0)
        // Without a publisher nothing would be published later.
        assert.strictEqual(yield* published(quiet), 1)
      }).pipe(Random.withSeed("busy 9")),
  )
})

const sumsOf = Effect.fnUntraced(function* (topics: ReadonlyArray<Topic>) {
  const stats = yield* Effect.forEach(topics, (topic) => topic.stats)
  return {
    lookups: stats.reduce((sum, { lookups }) => sum + lookups, 0),
    recordsPublished: stats.reduce((sum, { recordsPublished }) => sum + recordsPublished, 0),
  }
})
