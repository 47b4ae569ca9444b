import { assert, describe, it } from "@effect/vitest"
import { Effect, Random } from "effect"
import { madeUp, publishMadeUp } from "./insider.ts"
import { hash } from "./records.ts"
import { leaveAtOnce } from "./silentStrangers.ts"
import { collect, joinAll, makeWorld, pass, quiet, quietWith } from "./world.ts"

describe("a member that publishes records of made-up nodes", () => {
  it.effect("does not keep a node that is alone from publishing", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      yield* Effect.forkScoped(publishMadeUp(world.dht, 1))
      yield* pass("1 second")
      const config = { bootstrap: { maxBootstrapRecords: 1 } }
      const topic = yield* (yield* world.node(quietWith(config))).join()
      yield* pass("3 seconds")
      assert.deepInclude(yield* topic.stats, { recordsPublished: 0, recordsSkipped: 1 })
      yield* pass("10 seconds")
      assert.isAbove((yield* topic.stats).recordsPublished, 0)
    }),
  )

  it.effect("does not keep nodes with neighbours from publishing, also if its records name neighbours", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const publisher = { initialDelay: "10 seconds", baseInterval: "10 seconds", maxJitter: 0 } as const
      const bubbleMerge = { minNeighbors: 1, initialInterval: "1 hour" } as const
      const [topic] = yield* joinAll(yield* world.nodes(2, quietWith({ publisher, bubbleMerge })))
      yield* pass("9 seconds")
      const { recordsPublished } = yield* topic!.stats
      yield* Effect.forkScoped(
        Effect.forever(Effect.andThen(publishMadeUp(world.dht, 1, [madeUp(2), madeUp(3)]), Effect.sleep("500 millis"))),
      )
      yield* pass("50 seconds")
      assert.isAtLeast((yield* topic!.stats).recordsPublished - recordsPublished, 2)
    }),
  )

  it.effect("makes a lookup add 16 names at most, publishers before the neighbours that they name", () =>
    Effect.gen(function* () {
      // Most puts to a node are lost, so that the slot keeps many records.
      const world = yield* makeWorld({ dht: { lostPuts: 0.85 } })
      yield* Effect.forkScoped(
        Effect.forEach(
          Array.from({ length: 60 }).keys(),
          (n) =>
            publishMadeUp(
              world.dht,
              n,
              [1, 2, 3].map((m) => madeUp(1_000 + 10 * n + m)),
            ),
          { discard: true },
        ),
      )
      yield* pass("20 seconds")
      const topic = yield* (yield* world.node(quiet)).join()
      const activities = yield* collect(topic.activity)
      yield* pass("300 millis")
      const dialled = activities.flatMap((activity) => (activity._tag === "DialBegan" ? [activity.peer] : []))
      const found = activities.flatMap((activity) => (activity._tag === "RecordFound" ? [activity.publisher] : []))
      assert.isAbove(found.length, 8)
      yield* pass("1 second")
      const all = new Set(
        activities.flatMap((activity) => (activity._tag === "DialBegan" && activity.at < 500 ? [activity.peer] : [])),
      )
      assert.isAtMost(all.size, 16)
      const firstNeighbor = dialled.findIndex((peer) => !found.includes(peer))
      assert.isAtLeast(firstNeighbor < 0 ? 8 : firstNeighbor, 4, "four dials run at a time")
    }).pipe(Random.withSeed("insiders")),
  )

  it.effect("with made-up messages is followed once in ten minutes", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const messageOverlapMerge = { initialInterval: "30 seconds", baseInterval: "20 seconds", maxJitter: 0 } as const
      const topics = yield* joinAll(
        yield* world.nodes(3, quietWith({ messageOverlapMerge: { enabled: true, ...messageOverlapMerge } })),
      )
      const activities = yield* collect(topics[0]!.activity)
      leaveAtOnce(world.network, madeUp(1))
      const talk = Effect.forEach(topics, (topic, i) =>
        Effect.flatMap(Random.nextInt, (n) => topic.broadcast(`${n} of ${i}`)),
      )
      yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.ignore(talk), Effect.sleep("1 second"))))
      yield* Effect.forkScoped(
        Effect.forever(Effect.andThen(publishMadeUp(world.dht, 1, [], [hash(1)]), Effect.sleep("1 second"))),
      )
      yield* pass("3 minutes")
      const merges = activities.filter(({ _tag }) => _tag === "Merging")
      assert.lengthOf(merges, 1)
    }),
  )
})
