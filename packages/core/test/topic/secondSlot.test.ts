import { assert, describe, it } from "@effect/vitest"
import { Crypto, RecordKeys, SecretRotation, TopicId } from "@topic-tracker/crypto"
import { Dht } from "@topic-tracker/dht"
import { DhtTestnet, MemoryDht } from "@topic-tracker/dht/testing"
import { Clock, Context, Effect, Layer } from "effect"
import type { TopicActivity } from "../../src/topic/TopicActivity.ts"
import { TopicTracker } from "../../src/tracker/TopicTracker.ts"
import { collect, joinAll, makeWorld, pass, quiet } from "./world.ts"

/** Puts a correctly signed item that is no record into the slot of the minute `ahead` from now, as a stranger can who knows the name. */
const putGarbage = Effect.fnUntraced(function* (put: Dht["Service"]["put"], ahead: number, fill: number) {
  const keys = RecordKeys.make(yield* Crypto, yield* SecretRotation)
  const unixMinute = Math.floor((yield* Clock.currentTimeMillis) / 60_000) + ahead
  const { signingKey, salt } = keys.dht(TopicId.fromName("topic"), BigInt(unixMinute))
  const value = new Uint8Array(604).fill(fill)
  yield* Effect.ignore(put({ key: signingKey, salt, seq: 2n ** 63n - 1n, value }))
})

const keys = (crypto: Layer.Layer<Crypto>) => Layer.merge(crypto, SecretRotation.layer())

const fillAhead = (put: Dht["Service"]["put"]) =>
  Effect.forEach([0, 1, 2], (ahead) => putGarbage(put, ahead, 7), { discard: true })

/** Puts new garbage ten times a second. */
const flood = (put: Dht["Service"]["put"]) => {
  let fill = 0
  return Effect.forever(
    Effect.andThen(
      Effect.suspend(() => putGarbage(put, 0, fill++)),
      Effect.sleep("100 millis"),
    ),
  )
}

const tagsOf = (activities: ReadonlyArray<TopicActivity>) =>
  activities.map((activity) => (activity._tag === "RecordPublished" ? (activity.slot ?? "public") : activity._tag))

describe("a topic whose slot strangers fill", () => {
  const attacked = Effect.fnUntraced(function* (keepFirst: number) {
    const world = yield* makeWorld({ dht: { keepFirst } })
    const attacker = yield* Effect.provide(Dht, MemoryDht.layer(world.dht)).pipe(Effect.provide(Crypto.layerTest()))
    return { ...world, put: attacker.put }
  })

  it.effect("lets fresh nodes meet within 5 s if it was filled ahead on DHT nodes that keep the first item", () =>
    Effect.gen(function* () {
      const world = yield* attacked(1)
      yield* Effect.forkScoped(fillAhead(world.put))
      yield* pass("10 seconds")
      const topics = yield* joinAll(yield* world.nodes(2, quiet))
      yield* pass("5 seconds")
      const tags: Array<string> = []
      for (const topic of topics) {
        assert.isTrue(yield* topic.isJoined)
        const activities = yield* collect(topic.activity)
        assert.deepInclude(
          activities.find(({ _tag }) => _tag === "SecondSlotBegan"),
          { reason: "garbage" },
        )
        assert.include(tagsOf(activities), "RecordRefused")
        tags.push(...tagsOf(activities))
      }
      // These nodes keep the first record of the second slot too.
      assert.lengthOf(
        tags.filter((tag) => tag === "second"),
        1,
      )
    }).pipe(Effect.provide(keys(Crypto.layerTest()))),
  )

  it.effect("lets fresh nodes meet within 5 s while it is flooded", () =>
    Effect.gen(function* () {
      const world = yield* attacked(0)
      yield* Effect.forkScoped(flood(world.put))
      yield* pass("10 seconds")
      const topics = yield* joinAll(yield* world.nodes(2, quiet))
      yield* pass("5 seconds")
      for (const topic of topics) assert.isTrue(yield* topic.isJoined)
    }).pipe(Effect.provide(keys(Crypto.layerTest()))),
  )

  it.effect("lets a node meet one that published before the flood began", () =>
    Effect.gen(function* () {
      const world = yield* attacked(0)
      const first = yield* (yield* world.node(quiet)).join()
      yield* pass("10 seconds")
      yield* Effect.forkScoped(flood(world.put))
      yield* pass("10 seconds")
      const tags = tagsOf(yield* collect(first.activity))
      assert.deepStrictEqual(tags.sort(), ["BootstrapBegan", "SecondSlotBegan", "public", "public", "second"])
      const second = yield* (yield* world.node(quiet)).join()
      yield* pass("5 seconds")
      assert.isTrue(yield* second.isJoined)
    }).pipe(Effect.provide(keys(Crypto.layerTest()))),
  )

  it.live.each([
    ["filled ahead on DHT nodes that keep the first item", "keep-first", fillAhead],
    ["flooded on DHT nodes that overwrite", "overwrite", flood],
  ] as const)("lets fresh nodes on real sockets meet within 5 s if it is %s", ([_name, equalSeq, attack]) =>
    Effect.gen(function* () {
      const { addresses, services } = yield* DhtTestnet.make({ nodes: 30, equalSeq })
      yield* Effect.forkScoped(attack(services[0]!.put))
      yield* Effect.sleep("500 millis")
      const node = Effect.map(
        Layer.build(TopicTracker.layer({ config: { dht: { bootstrap: addresses.slice(0, 1) } } })),
        (context) => Context.get(context, TopicTracker),
      )
      const trackers = yield* Effect.all([node, node], { concurrency: 2 })
      yield* Effect.forEach(trackers, ({ join }) => join({ topic: "topic", secret: "secret" }), {
        concurrency: 2,
      }).pipe(Effect.timeout("5 seconds"))
    }).pipe(Effect.provide(keys(Crypto.layer()))),
  )
})
