import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Random } from "effect"
import { silence, silenceAgain } from "../silentStrangers.ts"
import { collect, joinAll, makeWorld, type NodeOptions, pass } from "../world.ts"

describe("a topic whose members' neighbours are strangers that say nothing", () => {
  const scenario = (members: number, strangers: number, options: NodeOptions = {}) =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const nodes = yield* world.nodes(members, options)
      const topics = yield* joinAll(nodes)
      yield* pass("20 seconds")
      silence(
        world.network,
        strangers,
        nodes.map(({ endpointId }) => endpointId),
      )
      const heard = yield* Effect.forEach(topics, (topic) => collect(topic.messages))
      const activities = yield* Effect.forEach(topics, (topic) => collect(topic.activity))
      let sent = 0
      for (; sent < 150; sent++) {
        for (const [i, topic] of topics.entries()) yield* topic.broadcast(`${sent} of ${i}`)
        yield* pass("2 seconds")
      }
      const shares = heard.map((messages) => messages.length / (sent * (members - 1)))
      return { activities, shares, topics }
    })

  it.effect.each([
    [2, 5],
    [2, 10],
    [5, 5],
    [5, 10],
  ] as const)("%i members hear each other in spite of %i strangers", ([members, strangers]) =>
    Effect.gen(function* () {
      const { shares } = yield* scenario(members, strangers)
      assert.isAtLeast(Math.min(...shares), 0.9, `${shares}`)
    }),
  )

  it.effect.each([
    [2, 5],
    [5, 5],
    [5, 10],
  ] as const)(
    "%i members that start while %i strangers ask them all hear each other within seconds",
    ([members, strangers]) =>
      Effect.forEach([1, 2], (seed) =>
        Effect.gen(function* () {
          const world = yield* makeWorld({ dht: { latency: () => 2 }, network: { link: () => ({ delayMs: 1 }) } })
          const nodes = yield* world.nodes(members)
          const run = Effect.runForkWith(yield* Effect.context())
          const topics = yield* joinAll(nodes)
          const ids = nodes.map(({ endpointId }) => endpointId)
          silenceAgain(world.network, strangers, ids, (ms, ask) => void run(Effect.delay(Effect.sync(ask), ms)))
          yield* pass("3 seconds")
          const heard = yield* Effect.forEach(topics, (topic) => collect(topic.messages))
          let sent = 0
          for (; sent < 20; sent++) {
            for (const [i, topic] of topics.entries()) yield* topic.broadcast(`${sent} of ${i}`)
            yield* pass("1 second")
          }
          const shares = heard.map((messages) => messages.length / (sent * (members - 1)))
          assert.isAtLeast(Math.min(...shares), 0.9, `seed ${seed}: ${shares}`)
        }).pipe(Effect.scoped, Random.withSeed(seed)),
      ),
  )

  it.effect("searches for members, and reports that it knows none", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const node = yield* world.node()
      const topic = yield* node.join()
      const activities = yield* collect(topic.activity)
      yield* pass("5 seconds")
      silence(world.network, 5, [node.endpointId])
      yield* pass("1 second")
      const { lookups } = yield* topic.stats
      yield* pass("10 minutes")
      assert.strictEqual(activities.filter(({ _tag }) => _tag === "NoKnownMember").length, 1)
      assert.isTrue(yield* topic.isJoined)
      const { recordPublisher } = yield* (yield* world.node()).join()
      const minute = yield* recordPublisher.unixMinute
      const reading = yield* Effect.forkChild(recordPublisher.recordsArray(minute - 1n))
      yield* pass("50 millis")
      assert.deepStrictEqual((yield* Fiber.join(reading))[0]?.content.activePeers, Array(5).fill(node.endpointId))
      // Eight lookups of the search, and those of the publisher.
      assert.isAtMost((yield* topic.stats).lookups - lookups, 8 + 60)
    }),
  )

  it.effect("lets a member in that comes later", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const node = yield* world.node()
      const topic = yield* node.join()
      yield* pass("5 seconds")
      silence(world.network, 5, [node.endpointId])
      yield* pass("1 minute")
      const late = yield* (yield* world.node()).join()
      yield* pass("3 seconds")
      const heard = yield* collect(late.messages)
      yield* topic.broadcast("hello")
      yield* pass("2 seconds")
      assert.deepStrictEqual(
        heard.map(({ text }) => text),
        ["hello"],
      )
    }),
  )
})
