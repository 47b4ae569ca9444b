import { assert, describe, it } from "@effect/vitest"
import { SecretRotation } from "@topic-tracker/crypto"
import { AddressLookup, type EndpointAddress } from "@topic-tracker/gossip"
import { Effect, Layer, Redacted, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { Tuning } from "../../src/config/Tuning.ts"
import { collect, isOneSwarm, joinAll, makeWorld, pass, quiet, quietWith, settle } from "./world.ts"

describe("meeting", () => {
  for (const [kind, keepFirst] of [
    ["overwrite", 0],
    ["keep the first record", 1],
    ["are of both kinds", 0.5],
  ] as const) {
    it.effect(`two nodes that start at the same moment meet; the DHT's nodes ${kind}`, () =>
      Effect.gen(function* () {
        const world = yield* makeWorld({ dht: { keepFirst } })
        const nodes = yield* world.nodes(2)
        const topics = yield* joinAll(nodes)
        yield* pass("300 millis")
        for (const topic of topics) yield* topic.joined
        const heard = yield* collect(topics[1]!.messages)
        yield* topics[0]!.broadcast("hello")
        yield* pass("100 millis")
        assert.deepStrictEqual(
          heard.map((message) => [message.text, message.deliveredFrom, message.scope, message.round]),
          [["hello", nodes[0]!.endpointId, "swarm", 0]],
        )
      }),
    )
  }

  it.effect("ten nodes that start at the same moment become one swarm, and each gets the messages of all others", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ dht: { keepFirst: 0.5 } })
      const nodes = yield* world.nodes(10)
      const topics = yield* joinAll(nodes)
      const heard = yield* Effect.forEach(topics, (topic) => collect(topic.messages))
      yield* pass("3 seconds")
      assert.isTrue(yield* isOneSwarm(nodes, topics))
      for (const [i, topic] of topics.entries()) yield* topic.broadcast(`from ${i}`)
      yield* pass("2 seconds")
      for (const [i, messages] of heard.entries()) {
        const others = topics.flatMap((_, j) => (j === i ? [] : [`from ${j}`]))
        assert.deepStrictEqual(messages.map(({ text }) => text).sort(), others.sort())
      }
    }),
  )

  it.effect("a record has the addresses of its node, and a reader knows them before it dials", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ dht: { keepFirst: 1 } })
      const ann = yield* world.node()
      const address = { relayUrl: "https://relay.example/", direct: ["192.0.2.1:7", "[2001:db8::1]:7"] }
      world.network.setAddress(ann.endpointId, address)
      yield* ann.join()
      yield* pass("100 millis")
      const bob = yield* world.node()
      const topic = yield* bob.join()
      const activities = yield* collect(topic.activity)
      yield* pass("100 millis")
      assert.isTrue(yield* topic.isJoined)
      assert.strictEqual(activities.filter(({ _tag }) => _tag === "DialBegan").length, 1)
      assert.deepStrictEqual(world.network.learnedAddresses(bob.endpointId).get(ann.endpointId), address)
      const records = yield* collect(topic.recordPublisher.records(0n))
      yield* pass("100 millis")
      assert.deepStrictEqual(records[0]?.content.address, address)
    }),
  )

  it.effect("a node that is alone when it gets a relay publishes that at once; a node with neighbours does not", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const ann = yield* world.node(quiet)
      const topic = yield* ann.join()
      yield* pass("3 seconds")
      assert.strictEqual((yield* topic.stats).recordsPublished, 1)
      const address = { relayUrl: "https://relay.example/", direct: [] }
      world.network.setAddress(ann.endpointId, address)
      yield* pass("100 millis")
      assert.strictEqual((yield* topic.stats).recordsPublished, 2)
      const bob = yield* world.node(quiet)
      yield* bob.join()
      yield* pass("200 millis")
      assert.deepStrictEqual(world.network.learnedAddresses(bob.endpointId).get(ann.endpointId), address)
      const { recordsPublished } = yield* topic.stats
      assert.isTrue(yield* topic.isJoined)
      world.network.setAddress(ann.endpointId, { relayUrl: "https://other.example/", direct: [] })
      yield* pass("5 seconds")
      assert.strictEqual((yield* topic.stats).recordsPublished, recordsPublished)
    }),
  )

  it.effect("a record of a node that does not know its addresses has an empty address part", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ dht: { keepFirst: 1 } })
      yield* (yield* world.node()).join()
      const bob = yield* world.node()
      const topic = yield* bob.join()
      yield* pass("100 millis")
      const records = yield* collect(topic.recordPublisher.records(0n))
      yield* pass("100 millis")
      assert.deepStrictEqual(records[0]!.content.address, { relayUrl: undefined, direct: [] })
      assert.strictEqual(records[0]!.bytes.length, 136 + 320 + 6)
    }),
  )

  it.effect("a third node joins a running topic through a record of the minute before", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      yield* TestClock.setTime(30_000)
      yield* joinAll(yield* world.nodes(2, quiet))
      yield* pass("40 seconds")
      const late = yield* (yield* world.node()).join()
      const activities = yield* collect(late.activity)
      yield* pass("200 millis")
      assert.isTrue(yield* late.isJoined)
      const joined = activities.find(({ _tag }) => _tag === "Joined")
      assert.isTrue(joined?._tag === "Joined" && joined.source?.unixMinute === 0n)
    }),
  )

  it.effect("nodes with different secrets do not join each other, and nothing fails", () =>
    Effect.gen(function* () {
      // If all DHT nodes overwrite, only one of two nodes that put at the same moment reads the other's record. With both kinds of
      // DHT nodes, both do.
      const world = yield* makeWorld({ dht: { keepFirst: 0.5 } })
      const [a, b] = yield* world.nodes(2)
      const right = yield* a!.join()
      const wrong = yield* b!.join({ secret: Redacted.make("another") })
      yield* pass("2 minutes")
      assert.isFalse(yield* right.isJoined)
      assert.isFalse(yield* wrong.isJoined)
      for (const topic of [right, wrong]) {
        assert.strictEqual((yield* topic.stats).failures, 0)
        assert.isAbove((yield* topic.recordPublisher.stats).unopened, 0)
      }
    }),
  )

  it.effect("nodes with different rotations do not join; nodes with the same own rotation do", () =>
    Effect.gen(function* () {
      const own = SecretRotation.layerFrom(({ unixMinute }) =>
        Redacted.make(new Uint8Array(32).fill(Number(unixMinute) + 1)),
      )
      const world = yield* makeWorld()
      const standard = yield* (yield* world.node()).join()
      const rotating = yield* joinAll([yield* world.node({ rotation: own })])
      yield* pass("1 minute")
      assert.deepStrictEqual([yield* standard.isJoined, yield* rotating[0]!.isJoined], [false, false])
      const second = yield* (yield* world.node({ rotation: own })).join()
      yield* pass("2 seconds")
      assert.isTrue(yield* second.isJoined)
      assert.isTrue(yield* rotating[0]!.isJoined)
      assert.isFalse(yield* standard.isJoined)
    }),
  )

  it.effect("dead peers in records delay the join by a moment each, and the running one is found", () =>
    Effect.gen(function* () {
      // Half of the puts are lost, so that a slot holds records of all of them.
      const world = yield* makeWorld({ dht: { keepFirst: 1, lostPuts: 0.5 } })
      const nodes = yield* world.nodes(4, quiet)
      const topics = yield* joinAll(nodes)
      yield* pass("1 second")
      for (const node of nodes.slice(1)) world.network.crash(node.endpointId)
      const late = yield* (yield* world.node(quiet)).join()
      yield* pass("3 seconds")
      assert.deepStrictEqual([...(yield* late.neighbors)], [nodes[0]!.endpointId])
      assert.isTrue(yield* topics[0]!.isJoined)
    }),
  )

  it.effect("a node that is alone publishes once in each minute", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const topic = yield* (yield* world.node()).join()
      const activities = yield* collect(topic.activity)
      yield* pass("3.5 minutes")
      const minutes = activities.flatMap((activity) =>
        activity._tag === "RecordPublished" ? [activity.unixMinute] : [],
      )
      assert.deepStrictEqual(minutes, [0n, 1n, 2n, 3n])
    }),
  )

  const looksIn15s = Effect.fnUntraced(function* (tuning: Partial<Tuning>) {
    const world = yield* makeWorld()
    const topic = yield* (yield* world.node({ tuning })).join()
    yield* pass("1 second")
    const early = (yield* topic.stats).lookups
    yield* pass("29 seconds")
    const before = (yield* topic.stats).lookups
    yield* pass("15 seconds")
    return { early, inFifteen: (yield* topic.stats).lookups - before }
  })

  it.effect("lookups are frequent at first and then as rare as the crate's, if the slow interval is not longer", () =>
    Effect.gen(function* () {
      const { early, inFifteen } = yield* looksIn15s({ slowPollMs: 1_500 })
      assert.isAbove(early, 4)
      assert.isTrue(inFifteen >= 8 && inFifteen <= 13, `${inFifteen} lookups in 15 s`)
    }),
  )

  it.effect("lookups become even rarer while a node stays alone, and never stop", () =>
    Effect.gen(function* () {
      const { early, inFifteen } = yield* looksIn15s({})
      assert.isAbove(early, 4)
      assert.isTrue(inFifteen >= 2 && inFifteen <= 5, `${inFifteen} lookups in 15 s`)
    }),
  )

  it.effect("without publishRecordOnStartup the first record follows the first lookup without a result", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const config = { bootstrap: { publishRecordOnStartup: false } }
      const nodes = yield* world.nodes(2, { config })
      const topics = yield* joinAll(nodes)
      const activities = yield* collect(topics[0]!.activity)
      yield* pass("1 second")
      assert.isTrue(yield* topics[0]!.isJoined)
      const [first] = activities.filter(({ _tag }) => _tag === "RecordPublished")
      assert.isAbove(first?.at ?? 0, 20, "after the first lookup of 20 ms")
    }),
  )

  it.effect("with checkOlderRecordsFirstOnStartup the first lookup reads one minute earlier", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ dht: { keepFirst: 1 } })
      yield* TestClock.setTime(5 * 60_000)
      yield* (yield* world.node(quiet)).join()
      yield* pass("10 seconds")
      const config = { bootstrap: { checkOlderRecordsFirstOnStartup: true, publishRecordOnStartup: false } }
      const late = yield* (yield* world.node({ config })).join()
      const activities = yield* collect(late.activity)
      yield* pass("1 second")
      assert.isTrue(yield* late.isJoined)
      const [found] = activities.filter(({ _tag }) => _tag === "RecordFound")
      // 20 ms of the first lookup, 30 ms until all nodes have refused our record, and 10 ms of the second lookup.
      assert.strictEqual(found?.at, 60, "not in the first lookup, which read minutes 3 and 4")
    }),
  )

  it.effect("nothing is published into a slot that holds enough records", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ dht: { keepFirst: 1, lostPuts: 0.5 } })
      const options = quietWith({ bootstrap: { maxBootstrapRecords: 2 } })
      yield* joinAll(yield* world.nodes(3, options))
      yield* pass("1 second")
      const late = yield* (yield* world.node(options)).join()
      const activities = yield* collect(late.activity)
      yield* pass("1 second")
      assert.deepStrictEqual(
        activities.filter(({ _tag }) => _tag === "RecordPublished" || _tag === "RecordSkipped").map(({ _tag }) => _tag),
        ["RecordSkipped"],
      )
      assert.isTrue(yield* late.isJoined)
    }),
  )

  it.effect("nodes that join at the same moment do not publish again to name a neighbour, if records are enough", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ dht: { keepFirst: 0.5 } })
      const publisher = { initialDelay: "1 hour" } as const
      const options = quietWith({ bootstrap: { maxBootstrapRecords: 1 }, publisher })
      const topics = yield* joinAll(yield* world.nodes(8, options))
      yield* pass("2 seconds")
      let count = 0
      for (const topic of topics) {
        const tags = (yield* collect(topic.activity)).map(({ _tag }) => _tag)
        if (!tags.slice(0, tags.indexOf("Joined")).includes("RecordFound")) continue
        count++
        assert.strictEqual((yield* topic.stats).recordsPublished, 1)
      }
      assert.isAbove(count, 2)
    }),
  )

  it.effect("a node that stays alone among others that are alone republishes its record, less often each time", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ network: { reachable: () => false } })
      const topics = yield* joinAll(yield* world.nodes(2, quiet))
      yield* pass("3900 millis")
      for (const topic of topics) assert.strictEqual((yield* topic.stats).recordsPublished, 1)
      yield* pass("50 seconds")
      // After 4 to 8 s, 8 to 16, 16 to 32, plus the time of the lookups.
      for (const topic of topics) {
        const { recordsPublished } = yield* topic.stats
        assert.isTrue(recordsPublished >= 2 && recordsPublished <= 4, `${recordsPublished} records`)
        assert.isFalse(yield* topic.isJoined)
      }
    }),
  )

  it.effect("a node that cannot join a swarm does not hide the swarm's records", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      yield* joinAll(yield* world.nodes(2, quiet))
      yield* pass("1 second")
      world.network.setReachable(() => false)
      const late = yield* (yield* world.node(quiet)).join()
      const activities = yield* collect(late.activity)
      yield* pass("50 seconds")
      assert.isAbove(activities.filter(({ _tag }) => _tag === "RecordFound").length, 0)
      assert.isFalse(yield* late.isJoined)
      assert.isAtMost((yield* late.stats).recordsPublished, 1)
    }),
  )

  it.effect("with maxBootstrapRecords 0 nothing is published", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const topic = yield* (yield* world.node({ config: { bootstrap: { maxBootstrapRecords: 0 } } })).join()
      yield* pass("3 minutes")
      assert.strictEqual((yield* topic.stats).recordsPublished, 0)
    }),
  )

  it.effect("no address packet is published if the option says so", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const node = yield* world.node({ config: { network: { publishAddressPacket: false } } })
      yield* pass("1 second")
      world.network.setAddress(node.endpointId, { relayUrl: undefined, direct: ["192.0.2.1:7"] })
      yield* pass("1 second")
      assert.deepStrictEqual(node.published, [])
    }),
  )

  it.effect("addresses are published at the start and at every change", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const node = yield* world.node()
      yield* pass("99 millis")
      assert.strictEqual(node.published.length, 0)
      yield* pass("1 millis")
      const count = node.published.length
      const address = { relayUrl: undefined, direct: ["192.0.2.1:7"] }
      world.network.setAddress(node.endpointId, address)
      yield* settle
      assert.isAbove(count, 0)
      assert.deepStrictEqual(node.published.slice(count), [address])
    }),
  )

  it.effect("a newer address is published also while the one before is not stored yet", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const published: Array<EndpointAddress> = []
      const addressLookup = Layer.succeed(AddressLookup, {
        resolve: () => Stream.empty,
        publish: (own) =>
          Effect.andThen(
            Effect.sync(() => void published.push(own)),
            Effect.never,
          ),
        learnAddress: () => Effect.void,
      })
      const node = yield* world.node({ addressLookup })
      yield* pass("1 second")
      assert.strictEqual(published.length, 1)
      const address = { relayUrl: "https://relay.example/", direct: [] }
      world.network.setAddress(node.endpointId, address)
      yield* settle
      assert.deepStrictEqual(published.slice(1), [address])
    }),
  )
})
