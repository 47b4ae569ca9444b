import { assert, describe, it } from "@effect/vitest"
import { Crypto, EndpointId, Identity } from "@topic-tracker/crypto"
import { Dht } from "@topic-tracker/dht"
import { MemoryDht } from "@topic-tracker/dht/testing"
import { Effect, Fiber, Layer, Option, Redacted, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as DhtAddressLookup from "../../src/address/DhtAddressLookup.ts"
import * as Pkarr from "../../src/address/pkarr.ts"
import * as TopicConfig from "../../src/config/index.ts"

const identity = (key: number) =>
  Identity.layerFromSeed(Redacted.make(new Uint8Array(32).fill(key))).pipe(Layer.provide(Crypto.layerTest()))

/** One node's lookup on a DHT, with its key and its client. */
const node = Effect.fnUntraced(function* (
  dht: Layer.Layer<Dht, never, Crypto>,
  key: number,
  options?: DhtAddressLookup.DhtAddressLookupOptions,
) {
  const parts = Layer.mergeAll(dht.pipe(Layer.provide(Crypto.layerTest())), identity(key))
  return yield* Effect.provideContext(
    Effect.gen(function* () {
      const { service: lookup, stats } = yield* DhtAddressLookup.make(options)
      const { endpointId, signingKey } = yield* Identity
      const { put, stats: dhtStats } = yield* Dht
      const resolveAll = (peer: EndpointId.EndpointId) => Stream.runCollect(lookup.resolve(peer))
      return { ...lookup, resolveAll, endpointId, signingKey, stats, put, dhtStats }
    }),
    yield* Layer.build(parts),
  )
})

const network = (options: MemoryDht.MemoryDhtOptions = {}) =>
  Effect.map(MemoryDht.make(options), (made) => ({ ...made, dht: MemoryDht.layer(made) }))

/** Lets this much time pass in small steps, so that the fibers that a step wakes sleep again before the next. */
const advance = (millis: number) =>
  Effect.repeat(Effect.andThen(Effect.repeat(Effect.yieldNow, { times: 20 }), TestClock.adjust(millis / 10)), {
    times: 9,
  })

/** `resolveAll` of a known peer: the DHT is asked 250 ms later. */
const withHeadStart = <A, E>(resolveAll: Effect.Effect<A, E>) =>
  Effect.gen(function* () {
    const asking = yield* Effect.forkChild(resolveAll)
    yield* advance(400)
    return yield* Fiber.join(asking)
  })

/** `resolveAll` of a peer that the DHT does not know: with all repeated lookups that takes 775 ms. */
const searchUnknown = <A, E>(resolveAll: Effect.Effect<A, E>) =>
  Effect.gen(function* () {
    const asking = yield* Effect.forkChild(resolveAll)
    yield* advance(2000)
    return yield* Fiber.join(asking)
  })

const address = (n: number) => ({ relayUrl: undefined, direct: [`93.184.216.${n}:1`] })
const peer = EndpointId.fromBytes(new Uint8Array(32).fill(77))

describe("DhtAddressLookup", () => {
  it.effect("finds the addresses that another node published, by its key alone", () =>
    Effect.gen(function* () {
      const { dht } = yield* network()
      const ann = yield* node(dht, 1)
      const bob = yield* node(dht, 2)
      const own = { relayUrl: "https://relay.example.org./", direct: ["93.184.216.1:1", "[2606:4700::1]:2"] }
      yield* ann.publish(own)
      assert.deepStrictEqual(yield* bob.resolveAll(ann.endpointId), [own])
      assert.deepStrictEqual(yield* searchUnknown(bob.resolveAll(peer)), [])
    }),
  )

  it.effect("publishes over a packet of an earlier run whose clock was ahead", () =>
    Effect.gen(function* () {
      const { dht } = yield* network()
      const ann = yield* node(dht, 1)
      const future = BigInt(Date.UTC(2100, 0)) * 1_000n
      yield* ann.put({ key: ann.signingKey, seq: future, value: new Uint8Array(10) })
      yield* ann.publish(address(1))
      const bob = yield* node(dht, 2)
      assert.deepStrictEqual(yield* bob.resolveAll(ann.endpointId), [address(1)])
    }),
  )

  it.effect("looks up a peer again that is about to publish, a limited number of times", () =>
    Effect.gen(function* () {
      const { dht } = yield* network()
      const ann = yield* node(dht, 1)
      const bob = yield* node(dht, 2)
      const first = yield* Effect.forkChild(Stream.runHead(bob.resolve(ann.endpointId)))
      // Two answers were empty; the next is at 75 ms.
      yield* advance(60)
      assert.strictEqual((yield* bob.stats).lookups, 2)
      yield* ann.publish(address(1))
      yield* advance(20)
      assert.deepStrictEqual(Option.getOrThrow(yield* Fiber.join(first)), address(1))
      assert.strictEqual((yield* bob.stats).lookups, 3)
      assert.deepStrictEqual(yield* searchUnknown(bob.resolveAll(peer)), [])
      assert.strictEqual((yield* bob.stats).lookups, 3 + 6)
    }),
  )

  it.effect("publishes private and loopback addresses only with publishPrivateAddresses", () =>
    Effect.gen(function* () {
      const { dht } = yield* network()
      const shy = yield* node(dht, 1)
      const open = yield* node(dht, 2, { publishPrivateAddresses: true })
      const reader = yield* node(dht, 3)
      const own = { relayUrl: undefined, direct: ["127.0.0.1:1", "10.0.0.1:1", "93.184.216.1:1"] }
      yield* shy.publish(own)
      yield* open.publish(own)
      assert.deepStrictEqual((yield* reader.resolveAll(shy.endpointId))[0]?.direct, ["93.184.216.1:1"])
      assert.deepStrictEqual((yield* reader.resolveAll(open.endpointId))[0]?.direct, [
        "93.184.216.1:1",
        "10.0.0.1:1",
        "127.0.0.1:1",
      ])
      const hidden = yield* node(dht, 4)
      yield* hidden.publish({ relayUrl: undefined, direct: ["127.0.0.1:1"] })
      assert.strictEqual((yield* hidden.stats).published, 0)
    }),
  )

  it.effect("publishes again each hour with a higher seq, until its scope closes", () =>
    Effect.gen(function* () {
      const { dht, slots } = yield* network()
      const seqs: Array<bigint> = []
      yield* Effect.scoped(
        Effect.gen(function* () {
          const ann = yield* node(dht, 1)
          const read = Effect.map(slots({ publicKey: ann.signingKey.publicKey }), (items) => {
            seqs.push(items[0]?.seq ?? -1n)
          })
          yield* TestClock.setTime(1_700_000_000_000)
          yield* ann.publish(address(1))
          yield* read
          yield* TestClock.adjust("59 minutes")
          yield* read
          yield* TestClock.adjust("1 minute")
          yield* read
        }),
      )
      const ann = yield* node(dht, 9)
      yield* TestClock.adjust("2 hours")
      assert.strictEqual((yield* ann.stats).published, 0)
      assert.deepStrictEqual(seqs, [1_700_000_000_000_000n, 1_700_000_000_000_000n, 1_700_003_600_000_000n])
    }),
  )

  it.effect("stops publishing when its layer ends", () =>
    Effect.gen(function* () {
      const { dht, load } = yield* network()
      const puts = Effect.map(load, (nodes) => nodes.reduce((sum, node) => sum + node.puts, 0))
      yield* Effect.scoped(Effect.flatMap(node(dht, 1), (ann) => ann.publish(address(1))))
      const before = yield* puts
      yield* TestClock.adjust("5 hours")
      assert.deepStrictEqual([before, yield* puts], [20, 20])
    }),
  )

  it.effect("publishes a change at once, an unchanged address not again, and never with a lower seq", () =>
    Effect.gen(function* () {
      const { dht, slots } = yield* network()
      const ann = yield* node(dht, 1)
      const bob = yield* node(dht, 2, { cacheFor: 0 })
      yield* TestClock.setTime(1_700_000_000_000)
      yield* ann.publish(address(1))
      yield* ann.publish(address(1))
      assert.strictEqual((yield* ann.stats).published, 1)
      yield* ann.publish(address(2))
      assert.deepStrictEqual(yield* bob.resolveAll(ann.endpointId), [address(2)])
      yield* TestClock.setTime(1_600_000_000_000)
      yield* ann.publish(address(3))
      const items = yield* slots({ publicKey: ann.signingKey.publicKey })
      assert.strictEqual(items[0]?.seq, 1_700_000_000_000_002n)
      assert.deepStrictEqual(Pkarr.decode(ann.endpointId, items[0]!.value)?.direct, address(3).direct)
    }),
  )

  it.effect("reports a failure, tries again by itself, and at once when asked", () =>
    Effect.gen(function* () {
      const { dht, setFaults } = yield* network({ dead: 1 })
      const ann = yield* node(dht, 1)
      const error = yield* Effect.flip(ann.publish(address(1)))
      assert.strictEqual(error.endpointId, ann.endpointId)
      assert.include(error.message, "our addresses could not be stored in the DHT: ")
      assert.include((yield* Effect.flip(ann.publish(address(1)))).message, "could not be stored")
      yield* setFaults({ dead: 0 })
      assert.strictEqual((yield* ann.stats).published, 0)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual((yield* ann.stats).published, 1)
      yield* ann.publish(address(1))
      assert.strictEqual((yield* ann.stats).published, 1)
    }),
  )

  it.effect("stops publishing when nothing is left to publish", () =>
    Effect.gen(function* () {
      const { dht } = yield* network()
      const ann = yield* node(dht, 1)
      yield* ann.publish(address(1))
      yield* ann.publish({ relayUrl: undefined, direct: [] })
      yield* TestClock.adjust("3 hours")
      assert.strictEqual((yield* ann.stats).published, 1)
    }),
  )

  it.effect("remembers an answer for 5 seconds", () =>
    Effect.gen(function* () {
      const { dht } = yield* network()
      const ann = yield* node(dht, 1)
      const bob = yield* node(dht, 2)
      yield* ann.publish(address(1))
      yield* bob.resolveAll(ann.endpointId)
      yield* TestClock.adjust("4 seconds")
      assert.deepStrictEqual(yield* bob.resolveAll(ann.endpointId), [address(1)])
      assert.strictEqual((yield* bob.stats).lookups, 1)
      yield* TestClock.adjust("1 second")
      yield* ann.publish(address(2))
      assert.deepStrictEqual(yield* bob.resolveAll(ann.endpointId), [address(2)])
      assert.strictEqual((yield* bob.stats).lookups, 2)
      // An empty result is not remembered: the peer may publish at any moment.
      yield* searchUnknown(bob.resolveAll(peer))
      yield* searchUnknown(bob.resolveAll(peer))
      assert.strictEqual((yield* bob.stats).lookups, 2 + 2 * 6)
    }),
  )

  it.effect("shares one lookup among all readers of a peer, and gives answers as they come", () =>
    Effect.gen(function* () {
      const { dht } = yield* network({ latency: (chance) => 100 + 100 * chance })
      const ann = yield* node(dht, 1)
      const bob = yield* node(dht, 2)
      const published = yield* Effect.forkChild(ann.publish(address(1)))
      yield* advance(1000)
      yield* Fiber.join(published)
      const first = yield* Effect.forkChild(Stream.runHead(bob.resolve(ann.endpointId)))
      const second = yield* Effect.forkChild(bob.resolveAll(ann.endpointId))
      yield* advance(350)
      // An answer has come, the lookup still runs, and another reader joins it.
      assert.deepStrictEqual(Option.getOrThrow(yield* Fiber.join(first)), address(1))
      const late = yield* Effect.forkChild(bob.resolveAll(ann.endpointId))
      yield* advance(1000)
      assert.deepStrictEqual(yield* Fiber.join(second), [address(1)])
      assert.deepStrictEqual(yield* Fiber.join(late), [address(1)])
      assert.strictEqual((yield* bob.stats).lookups, 1)
    }),
  )

  it.effect("ends a lookup without readers, and one that takes too long", () =>
    Effect.gen(function* () {
      let open = 0
      const silent: Layer.Layer<Dht, never, Crypto> = Layer.effect(
        Dht,
        Effect.map(
          Effect.flatMap(MemoryDht.make(), (made) => made.client()),
          (inner) => ({
            ...inner,
            get: () =>
              Stream.unwrap(
                Effect.as(
                  Effect.acquireRelease(
                    Effect.sync(() => open++),
                    () => Effect.sync(() => open--),
                  ),
                  Stream.never,
                ),
              ),
          }),
        ),
      )
      const bob = yield* node(silent, 2)
      const asking = yield* Effect.forkChild(bob.resolveAll(peer))
      yield* advance(1000)
      assert.strictEqual(open, 1)
      yield* Fiber.interrupt(asking)
      assert.strictEqual(open, 0)
      const patient = yield* Effect.forkChild(bob.resolveAll(peer))
      yield* advance(10_000)
      assert.deepStrictEqual(yield* Fiber.join(patient), [])
      assert.strictEqual(open, 0)
    }),
  )

  it.effect("combines learned and found addresses, the newer first", () =>
    Effect.gen(function* () {
      const { dht } = yield* network()
      const ann = yield* node(dht, 1)
      const bob = yield* node(dht, 2)
      yield* TestClock.setTime(1_700_000_000_000)
      yield* ann.publish(address(1))
      yield* TestClock.adjust("1 minute")
      yield* bob.learnAddress(ann.endpointId, address(2))
      assert.deepStrictEqual(yield* withHeadStart(bob.resolveAll(ann.endpointId)), [address(2), address(1)])
      // Both are remembered now, and one address is named once.
      assert.deepStrictEqual(yield* bob.resolveAll(ann.endpointId), [address(2), address(1)])
      yield* bob.learnAddress(ann.endpointId, address(1))
      assert.deepStrictEqual(yield* bob.resolveAll(ann.endpointId), [address(1)])
      yield* TestClock.adjust("5 minutes")
      const { lookups } = yield* bob.stats
      assert.deepStrictEqual(yield* bob.resolveAll(ann.endpointId), [address(1)])
      assert.strictEqual((yield* bob.stats).lookups, lookups + 1)
    }),
  )

  it.effect("asks the DHT for a known peer only if the known address was not enough", () =>
    Effect.gen(function* () {
      const { dht } = yield* network()
      const bob = yield* node(dht, 2)
      yield* bob.learnAddress(peer, address(1))
      const enough = yield* Effect.forkChild(Stream.runDrain(bob.resolve(peer)))
      yield* advance(240)
      assert.strictEqual((yield* bob.stats).lookups, 0)
      yield* Fiber.interrupt(enough)
      yield* advance(1000)
      assert.strictEqual((yield* bob.stats).lookups, 0)
      const asking = yield* Effect.forkChild(Stream.runDrain(bob.resolve(peer)))
      yield* advance(260)
      assert.strictEqual((yield* bob.stats).lookups, 1)
      yield* Fiber.interrupt(asking)
    }),
  )

  it.effect(
    "asks the DHT for at most 4 peers a second that only gossip has named, without priority, and for others at once",
    () =>
      Effect.gen(function* () {
        const { dht } = yield* network()
        const priorities: Array<boolean | undefined> = []
        const watched = Layer.effect(
          Dht,
          Effect.map(Dht, (inner) => ({
            ...inner,
            get: (...args: Parameters<typeof inner.get>) => {
              priorities.push(args[1]?.priority)
              return inner.get(...args)
            },
          })),
        ).pipe(Layer.provide(dht))
        const bob = yield* node(watched, 2)
        const named = (n: number) => EndpointId.fromBytes(Uint8Array.of(9, n >> 8, n & 255, ...new Uint8Array(29)))
        // 200 peers a second for five seconds; each dial lasts longer than that.
        const dials: Array<Fiber.Fiber<unknown, unknown>> = []
        for (let second = 0; second < 5; second++) {
          const { lookups } = yield* bob.stats
          for (let i = 0; i < 200; i++) {
            const asking = Stream.runDrain(bob.resolve(named(second * 200 + i), { origin: "gossip" }))
            dials.push(yield* Effect.forkChild(asking, { startImmediately: true }))
            yield* TestClock.adjust(5)
          }
          assert.isAtMost((yield* bob.stats).lookups - lookups, 8)
        }
        const { lookups, lookupsRefused } = yield* bob.stats
        assert.isAtLeast(lookups, 20)
        assert.isAtMost(lookups, 24)
        assert.strictEqual(lookupsRefused, 1_000 - lookups)
        assert.isFalse(priorities.includes(true))
        // The first of them is now named by a record too.
        yield* Effect.forkChild(Stream.runDrain(bob.resolve(named(0))), { startImmediately: true })
        yield* advance(10)
        assert.strictEqual((yield* bob.stats).lookups, lookups + 1)
        assert.isTrue(priorities.at(-1))
        yield* Effect.forEach(dials, Fiber.interrupt)
      }),
  )

  it.effect("waits before it asks the DHT if the dial has an address from gossip", () =>
    Effect.gen(function* () {
      const { dht } = yield* network()
      const bob = yield* node(dht, 2)
      const asking = yield* Effect.forkChild(Stream.runDrain(bob.resolve(peer, { hasAddress: true })))
      yield* advance(240)
      assert.strictEqual((yield* bob.stats).lookups, 0)
      yield* advance(20)
      assert.strictEqual((yield* bob.stats).lookups, 1)
      yield* Fiber.interrupt(asking)
    }),
  )

  it.effect("learns no address that cannot be dialled, and none of its own", () =>
    Effect.gen(function* () {
      const { dht } = yield* network()
      const bob = yield* node(dht, 2)
      yield* bob.learnAddress(peer, { relayUrl: "javascript:alert(1)", direct: ["0.0.0.0:1", "x", "1.2.3.4:0"] })
      yield* bob.learnAddress(bob.endpointId, address(1))
      assert.strictEqual((yield* bob.stats).peers, 0)
      yield* bob.learnAddress(peer, { relayUrl: "https://relay.example/", direct: ["x", "1.2.3.4:5"] })
      assert.deepStrictEqual(yield* searchUnknown(bob.resolveAll(peer)), [
        { relayUrl: "https://relay.example/", direct: ["1.2.3.4:5"] },
      ])
    }),
  )

  it.effect("drops and counts items that are no address packet", () =>
    Effect.gen(function* () {
      const { dht } = yield* network()
      const ann = yield* node(dht, 1)
      const bob = yield* node(dht, 2, { cacheFor: 0 })
      // A publisher has no time before 1970.
      yield* ann.put({ key: ann.signingKey, seq: -5n, value: Pkarr.encode(ann.endpointId, address(1))! })
      assert.deepStrictEqual(yield* bob.resolveAll(ann.endpointId), [])
      yield* ann.put({ key: ann.signingKey, seq: 5n, value: new Uint8Array(100).fill(255) })
      assert.deepStrictEqual(yield* bob.resolveAll(ann.endpointId), [])
      assert.strictEqual((yield* bob.stats).packetsInvalid, 2)
    }),
  )

  it.effect("fails if the DHT cannot be asked, after the learned addresses", () =>
    Effect.gen(function* () {
      const { dht } = yield* network({ dead: 1 })
      const bob = yield* node(dht, 2)
      yield* bob.learnAddress(peer, address(1))
      assert.deepStrictEqual(Option.getOrThrow(yield* Stream.runHead(bob.resolve(peer))), address(1))
      const error = yield* withHeadStart(Effect.flip(bob.resolveAll(peer)))
      assert.strictEqual(error._tag, "AddressLookupError")
      assert.strictEqual(error.endpointId, peer)
    }),
  )

  it("takes its options from a topic's configuration", () => {
    assert.deepStrictEqual(DhtAddressLookup.fromConfig(TopicConfig.defaults), {
      publishPrivateAddresses: false,
      republishInterval: TopicConfig.defaults.network.addressRepublishInterval,
      lookupTimeout: TopicConfig.defaults.dht.getTimeout,
    })
  })
})
