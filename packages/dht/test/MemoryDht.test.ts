import { assert, describe, it } from "@effect/vitest"
import { Crypto } from "@topic-tracker/crypto"
import { Dht } from "@topic-tracker/dht"
import { MemoryDht } from "@topic-tracker/dht/testing"
import { Deferred, Duration, Effect, Fiber, Random, Stream } from "effect"
import { TestClock } from "effect/testing"
import { ascii, MAX, newUnsaltedKey, text, values } from "./clients.ts"

describe("MemoryDht", () => {
  it.effect("participants find items that others put; every node overwrites", () =>
    Effect.gen(function* () {
      const network = yield* MemoryDht.make()
      const [alice, bob] = [yield* network.client(), yield* network.client()]
      const { key, at } = yield* newUnsaltedKey
      assert.deepStrictEqual(yield* values(alice.get(at)), [])
      assert.deepStrictEqual(yield* alice.put({ key, seq: MAX, cas: MAX, value: ascii("a") }), {
        stored: 20,
        asked: 20,
      })
      yield* bob.put({ key, seq: MAX, cas: MAX, value: ascii("b") })
      const items = [...(yield* Stream.runCollect(alice.get(at)))]
      assert.deepStrictEqual(
        items.map(({ value }) => text(value)),
        ["b"],
      )
      assert.strictEqual(items[0]!.seq, MAX)
      assert.notDeepEqual(yield* alice.address, yield* bob.address)
    }).pipe(Effect.provide(Crypto.layerTest())),
  )

  it.effect("stores a copy of the value, and returns plain bytes for a Buffer too", () =>
    Effect.gen(function* () {
      const client = yield* (yield* MemoryDht.make()).client()
      const { key, at } = yield* newUnsaltedKey
      const value = Buffer.from("kept")
      yield* client.put({ key, seq: 1n, value })
      value.fill(0)
      const [item] = [...(yield* Stream.runCollect(client.get(at)))]
      assert.deepStrictEqual(item!.value, ascii("kept"))
    }).pipe(Effect.provide(Crypto.layerTest())),
  )

  it.effect("onStored runs when the given number of nodes has stored the item, before the last has answered", () =>
    Effect.gen(function* () {
      const network = yield* MemoryDht.make({ latency: (chance) => 10 + 90 * chance })
      const client = yield* network.client()
      const { key } = yield* newUnsaltedKey
      let enough = 0
      const run = () => void enough++
      const put = (nodes: number) => client.put({ key, seq: 1n, value: ascii("x"), onStored: { nodes, run } })
      const putting = yield* Effect.forkChild(put(4))
      while (enough === 0) yield* Effect.andThen(Effect.yieldNow, TestClock.adjust("1 millis"))
      assert.isUndefined(putting.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(putting)).stored, 20)
      const tooMany = yield* Effect.forkChild(put(21))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(tooMany)
      assert.strictEqual(enough, 1)
    }).pipe(Effect.provide(Crypto.layerTest()), Random.withSeed("whenStored")),
  )

  it.effect("nodes with keep-first keep the first value, so that a slot has several", () =>
    Effect.gen(function* () {
      const { key, at } = yield* newUnsaltedKey
      const all = yield* MemoryDht.make({ keepFirst: 1 })
      const dht = yield* all.client()
      yield* dht.put({ key, seq: MAX, value: ascii("a") })
      assert.strictEqual((yield* Effect.flip(dht.put({ key, seq: MAX, value: ascii("b") }))).reason, "Rejected")
      const half = yield* MemoryDht.make({ keepFirst: 0.5 })
      const other = yield* half.client()
      yield* other.put({ key, seq: MAX, value: ascii("a") })
      const { stored, asked } = yield* other.put({ key, seq: MAX, value: ascii("b") })
      assert.isTrue(stored > 0 && stored < asked)
      assert.deepStrictEqual(yield* values(other.get(at)), ["a", "b"])
    }).pipe(Effect.provide(Crypto.layerTest())),
  )

  it.effect("items expire two hours after their last put", () =>
    Effect.gen(function* () {
      const network = yield* MemoryDht.make()
      const dht = yield* network.client()
      const { key, at } = yield* newUnsaltedKey
      yield* dht.put({ key, seq: 1n, value: ascii("a") })
      yield* TestClock.adjust(Duration.minutes(119))
      assert.deepStrictEqual(yield* values(dht.get(at)), ["a"])
      yield* TestClock.adjust(Duration.minutes(1))
      assert.deepStrictEqual(yield* values(dht.get(at)), [])
    }).pipe(Effect.provide(Crypto.layerTest())),
  )

  it.effect("the first lookup takes more round trips than later ones; a get of a few known nodes takes one", () =>
    Effect.gen(function* () {
      const network = yield* MemoryDht.make({ latency: () => 100, hops: 2, coldHops: 4 })
      const dht = yield* network.client()
      const took = (publicKey: Uint8Array, few?: number) =>
        Effect.gen(function* () {
          const options = few === undefined ? {} : { nodes: few }
          const fiber = yield* Effect.forkChild(Stream.runDrain(dht.get({ publicKey }, options)))
          let ms = 0
          for (; fiber.pollUnsafe() === undefined; ms += 100) yield* TestClock.adjust(100)
          return ms
        })
      const [one, other] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
      assert.deepStrictEqual([yield* took(one), yield* took(other), yield* took(one, 4)], [400, 200, 100])
    }).pipe(Effect.provide(Crypto.layerTest())),
  )

  it.effect("waits for lost answers: a get then asks other nodes, a put does not", () =>
    Effect.gen(function* () {
      const network = yield* MemoryDht.make({ latency: () => 100, lostDelay: 250, lostGets: 0.5, lostPuts: 0.5 })
      const dht = yield* network.client()
      const { at, key } = yield* newUnsaltedKey
      const get = yield* Effect.forkChild(Stream.runDrain(dht.get(at)))
      // Two round trips without a loss; with a loss, at least the wait and another round trip.
      yield* TestClock.adjust(449)
      assert.isUndefined(get.pollUnsafe())
      yield* TestClock.adjust(10_000)
      assert.isDefined(get.pollUnsafe())
      const put = yield* Effect.forkChild(dht.put({ key, seq: 1n, value: ascii("a") }))
      // The nodes are known; each took 100 ms to answer, so the put waits for at least three times as long.
      yield* TestClock.adjust(299)
      assert.isUndefined(put.pollUnsafe())
      yield* TestClock.adjust(2_000)
      assert.isDefined(put.pollUnsafe())
    }).pipe(Effect.provide(Crypto.layerTest())),
  )

  it.effect("lookups avoid dead nodes, and fail with NoNodes if all are dead", () =>
    Effect.gen(function* () {
      const network = yield* MemoryDht.make({ nodes: 100, dead: 0.5 })
      const dht = yield* network.client()
      const { key, at } = yield* newUnsaltedKey
      assert.strictEqual((yield* dht.put({ key, seq: 1n, value: ascii("a") })).stored, 20)
      yield* network.setFaults({ dead: 1 })
      assert.strictEqual((yield* Effect.flip(Stream.runDrain(dht.get(at)))).reason, "NoNodes")
      assert.strictEqual((yield* Effect.flip(dht.bootstrapped)).reason, "NoNodes")
      assert.strictEqual((yield* Effect.flip(dht.put({ key, seq: 1n, value: ascii("a") }))).reason, "NoNodes")
      yield* network.setFaults({ dead: 0 })
      yield* dht.bootstrapped
    }).pipe(Effect.provide(Crypto.layerTest())),
  )

  it.effect("a put reaches no node if all are lost, and some nodes with a chance between", () =>
    Effect.gen(function* () {
      const network = yield* MemoryDht.make({ lostPuts: 0.5 })
      const dht = yield* network.client()
      const { key, at } = yield* newUnsaltedKey
      const { stored } = yield* dht.put({ key, seq: 1n, value: ascii("a") })
      assert.isTrue(stored > 3 && stored < 17)
      assert.strictEqual((yield* network.slots(at)).filter((item) => item !== undefined).length, stored)
      yield* network.setFaults({ lostGets: 1, lostPuts: 1 })
      assert.strictEqual((yield* Effect.flip(dht.put({ key, seq: 2n, value: ascii("b") }))).reason, "Timeout")
      assert.deepStrictEqual(yield* values(dht.get(at)), [])
    }).pipe(Effect.provide(Crypto.layerTest())),
  )

  it.effect("stale nodes answer with the item before the present one", () =>
    Effect.gen(function* () {
      const network = yield* MemoryDht.make({ stale: 1 })
      const dht = yield* network.client()
      const { key, at } = yield* newUnsaltedKey
      yield* dht.put({ key, seq: 1n, value: ascii("a") })
      yield* dht.put({ key, seq: 2n, value: ascii("b") })
      yield* dht.put({ key, seq: 3n, value: ascii("c") })
      assert.deepStrictEqual(yield* values(dht.get(at)), ["b"])
    }).pipe(Effect.provide(Crypto.layerTest())),
  )

  it.effect("an injected item with a wrong signature is not passed on", () =>
    Effect.gen(function* () {
      const network = yield* MemoryDht.make()
      const dht = yield* network.client()
      const { key, at } = yield* newUnsaltedKey
      yield* dht.put({ key, seq: 1n, value: ascii("good") })
      const good = (yield* network.slots(at))[0]!
      yield* network.inject({ ...at, seq: 9n, value: ascii("evil"), nodes: 5 })
      assert.deepStrictEqual(yield* values(dht.get(at)), ["good"])
      assert.strictEqual((yield* dht.stats).itemsInvalid, 5)
      yield* network.inject({ ...at, seq: 1n, value: ascii("good"), signature: good.signature })
      assert.deepStrictEqual(yield* values(dht.get(at)), ["good"])
    }).pipe(Effect.provide(Crypto.layerTest())),
  )

  it.effect("an answer takes one round trip, and each item comes with the first node that holds it", () =>
    Effect.gen(function* () {
      const network = yield* MemoryDht.make({ latency: (chance) => 10 + 90 * chance, hops: 1 })
      const dht = yield* network.client()
      const { key, at } = yield* newUnsaltedKey
      const put = yield* Effect.forkChild(dht.put({ key, seq: 1n, value: ascii("a") }))
      yield* TestClock.adjust("200 millis")
      yield* Fiber.join(put)
      let seen = 0
      const get = yield* Effect.forkChild(Stream.runForEach(dht.get(at), () => Effect.sync(() => seen++)))
      yield* TestClock.adjust("10 millis")
      assert.strictEqual(seen, 0)
      yield* TestClock.adjust("30 millis")
      assert.strictEqual(seen, 1)
      assert.isUndefined(get.pollUnsafe())
      yield* TestClock.adjust("60 millis")
      yield* Fiber.join(get)
    }).pipe(Effect.provide(Crypto.layerTest()), Random.withSeed("latency")),
  )

  it.effect("a client that reaches only some nodes finds only their items", () =>
    Effect.gen(function* () {
      const network = yield* MemoryDht.make({ nodes: 100 })
      const even = yield* network.client({ reaches: (node) => node % 2 === 0 })
      const odd = yield* network.client({ reaches: (node) => node % 2 === 1 })
      const { key, at } = yield* newUnsaltedKey
      yield* even.put({ key, seq: 1n, value: ascii("a") })
      assert.deepStrictEqual(yield* values(odd.get(at)), [])
      assert.deepStrictEqual(yield* values(even.get(at)), ["a"])
    }).pipe(Effect.provide(Crypto.layerTest())),
  )

  it.effect("counts the queries of each node; a put soon after a get needs no lookup", () =>
    Effect.gen(function* () {
      const network = yield* MemoryDht.make({ nodes: 50 })
      const dht = yield* network.client()
      const { key, at } = yield* newUnsaltedKey
      for (let i = 0; i < 3; i++) yield* values(dht.get(at))
      yield* dht.put({ key, seq: 1n, value: ascii("a") })
      yield* TestClock.adjust("6 minutes")
      yield* dht.put({ key, seq: 2n, value: ascii("b") })
      const load = (yield* network.load).filter(({ gets }) => gets > 0)
      assert.deepStrictEqual(load, Array(20).fill({ gets: 4, puts: 2 }))
    }).pipe(Effect.provide(Crypto.layerTest())),
  )

  it.effect(
    "a get that its reader leaves after the nearest nodes has asked only those, and a put then looks for the others",
    () =>
      Effect.gen(function* () {
        const network = yield* MemoryDht.make({ nodes: 50, latency: () => 20 })
        const dht = yield* network.client()
        const { key, at } = yield* newUnsaltedKey
        const asked = Effect.map(network.load, (nodes) => nodes.reduce((sum, { gets }) => sum + gets, 0))
        const nearest = yield* Deferred.make<void>()
        const onNearest = { nodes: 4, run: () => Deferred.doneUnsafe(nearest, Effect.void) }
        const reading = yield* Effect.forkChild(Stream.runDrain(dht.get(at, { onNearest })))
        yield* TestClock.adjust("1 second").pipe(Effect.raceFirst(Deferred.await(nearest)))
        yield* Fiber.interrupt(reading)
        assert.strictEqual(yield* asked, 4)
        const put = yield* Effect.forkChild(dht.put({ key, seq: 1n, value: ascii("a") }))
        yield* TestClock.adjust("1 second")
        assert.strictEqual((yield* Fiber.join(put)).stored, 20)
        assert.strictEqual(yield* asked, 24)
        // A put that uses the lookup keeps it running.
        const other = yield* newUnsaltedKey
        const second = yield* Effect.forkChild(Stream.runDrain(dht.get(other.at)))
        yield* TestClock.adjust("1 millis")
        const secondPut = yield* Effect.forkChild(dht.put({ key: other.key, seq: 1n, value: ascii("b") }))
        yield* TestClock.adjust("1 millis")
        yield* Fiber.interrupt(second)
        yield* TestClock.adjust("1 second")
        assert.strictEqual((yield* Fiber.join(secondPut)).stored, 20)
        assert.strictEqual(yield* asked, 44)
      }).pipe(Effect.provide(Crypto.layerTest())),
  )

  it.effect("a get that its reader leaves takes nothing of the rate of the nodes that it has not asked", () =>
    Effect.gen(function* () {
      const network = yield* MemoryDht.make({ nodes: 50, latency: () => 20, getsPerSecond: 1 })
      const { at } = yield* newUnsaltedKey
      // Three seconds' worth of the nearest nodes.
      for (let i = 0; i < 3; i++) {
        const nearest = yield* Deferred.make<void>()
        const onNearest = { nodes: 4, run: () => Deferred.doneUnsafe(nearest, Effect.void) }
        const reading = yield* Effect.forkChild(Stream.runDrain((yield* network.client()).get(at, { onNearest })))
        yield* TestClock.adjust("200 millis").pipe(Effect.raceFirst(Deferred.await(nearest)))
        yield* Fiber.interrupt(reading)
      }
      const whole = yield* network.client()
      const reading = yield* Effect.forkChild(Stream.runDrain(whole.get(at)))
      yield* TestClock.adjust("200 millis")
      yield* Fiber.join(reading)
      const { packetsReceived, packetsSent } = yield* whole.stats
      assert.deepStrictEqual([packetsSent, packetsReceived], [20, 16])
    }).pipe(Effect.provide(Crypto.layerTest())),
  )

  it.effect(
    "the nodes of a busy slot answer queries in the order of the lookups, and not all at the same moments",
    () =>
      Effect.gen(function* () {
        const network = yield* MemoryDht.make({ nodes: 50, latency: () => 20, lostDelay: 100, getsPerSecond: 1 })
        const { at } = yield* newUnsaltedKey
        const partial = yield* network.client()
        const answers = yield* Effect.forkChild(Stream.runDrain(partial.get(at)))
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(answers)
        const before = (yield* partial.stats).packetsReceived
        // Whole lookups, which ask most nodes later than a lookup of four known nodes would.
        const counts: Array<readonly [number, number]> = []
        for (let i = 0; i < 200; i++) {
          yield* Effect.forkScoped(
            Stream.runDrain((yield* network.client()).get(at, { onNearest: { nodes: 4, run: () => {} } })),
          )
          yield* TestClock.adjust(yield* Random.nextIntBetween(1, 100))
          const onOver = (answered: number, silent: number) => void counts.push([answered, silent])
          yield* Effect.forkScoped(Stream.runDrain(partial.get(at, { nodes: 4, onOver })))
          yield* TestClock.adjust(yield* Random.nextIntBetween(1, 100))
        }
        yield* TestClock.adjust("10 seconds")
        const answered = (yield* partial.stats).packetsReceived - before
        // 20 nodes answer 400 gets in 20 s, and less than a third of all queries; the partial lookups ask as many as the others.
        assert.isAbove(answered, 100)
        assert.isBelow(answered, 300)
        assert.strictEqual(
          counts.reduce((sum, [one]) => sum + one, 0),
          answered,
        )
        // Some answer to most lookups, not all to one.
        assert.isAbove(counts.filter(([some]) => some > 0).length, 60)
      }).pipe(Effect.scoped, Effect.provide(Crypto.layerTest()), Random.withSeed("busy slot")),
  )

  it.effect("the same seed gives the same network and the same run", () =>
    Effect.gen(function* () {
      const run = Effect.gen(function* () {
        const network = yield* MemoryDht.make({ nodes: 60, dead: 0.2, keepFirst: 0.5, lostPuts: 0.3, lostGets: 0.1 })
        const dht = yield* network.client()
        const { key, at } = yield* newUnsaltedKey
        const log: Array<unknown> = []
        for (let i = 0; i < 10; i++) {
          log.push(yield* Effect.exit(dht.put({ key, seq: MAX, value: ascii(`${i}`) })).pipe(Effect.map(String)))
          log.push(yield* values(dht.get(at)))
        }
        return { log, load: yield* network.load }
      }).pipe(Effect.provide(Crypto.layerTest()))
      const [one, again, other] = [
        yield* Random.withSeed(run, "seed"),
        yield* Random.withSeed(run, "seed"),
        yield* Random.withSeed(run, "another"),
      ]
      assert.deepStrictEqual(one, again)
      assert.notDeepEqual(one, other)
    }),
  )

  it.effect("provides a network of its own as a layer", () =>
    Effect.gen(function* () {
      const dht = yield* Dht
      const { key, at } = yield* newUnsaltedKey
      yield* dht.bootstrapped
      yield* dht.put({ key, seq: 1n, value: ascii("a") })
      assert.deepStrictEqual(yield* values(dht.get(at)), ["a"])
    }).pipe(Effect.provide(MemoryDht.layerAlone()), Effect.provide(Crypto.layerTest())),
  )
})
