import { assert, describe, it } from "@effect/vitest"
import { Crypto } from "@topic-tracker/crypto"
import type { DhtConfig } from "@topic-tracker/dht"
import { DhtTestnet } from "@topic-tracker/dht/testing"
import { Duration, Effect, Stream } from "effect"
import { ascii, client, MAX, newKey, values } from "./clients.ts"

describe("the start of a client", () => {
  it.live("a read-only client is in no table, and answers no query", () =>
    Effect.gen(function* () {
      const server = yield* client({ bootstrap: [], host: "127.0.0.1" })
      const reader = yield* client({ bootstrap: [yield* server.address], readOnly: true })
      yield* reader.bootstrapped
      const helper = yield* client({ bootstrap: [yield* server.address] })
      yield* helper.bootstrapped
      while ((yield* server.stats).nodes < 1) yield* Effect.sleep(5)
      const known = yield* server.snapshot
      assert.deepStrictEqual(
        known.map(({ port }) => port),
        [(yield* helper.address).port],
      )
      const lonely = yield* client({
        bootstrap: [yield* reader.address],
        getTimeout: Duration.millis(300),
        roundTripCeiling: Duration.millis(100),
      })
      assert.strictEqual((yield* Effect.flip(lonely.bootstrapped)).reason, "NoNodes")
      assert.strictEqual((yield* reader.stats).queriesServed, 0)
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("enters the tables of other nodes only after introduceAfter", () =>
    Effect.gen(function* () {
      const net = yield* DhtTestnet.make({ nodes: 6 })
      const { at } = yield* newKey
      const isKnownTo = Effect.fnUntraced(function* (options: Partial<DhtConfig.DhtOptions>) {
        const dht = yield* client({ bootstrap: [net.addresses[0]!], ...options })
        yield* Stream.runDrain(dht.get(at))
        // Until the pings of the asked nodes have come back.
        yield* Effect.sleep(200)
        const { port } = yield* dht.address
        const tables = yield* Effect.forEach(net.services, ({ snapshot }) => snapshot)
        return tables.map((nodes) => nodes.some((node) => node.port === port))
      })
      assert.deepStrictEqual(yield* isKnownTo({}), [false, false, false, false, false, false])
      const atOnce = yield* isKnownTo({ introduceAfter: Duration.zero })
      assert.deepStrictEqual(atOnce, [true, true, true, true, true, true])
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("asks the bootstrap nodes for others before the first call", () =>
    Effect.gen(function* () {
      const net = yield* DhtTestnet.make({ nodes: 6 })
      const { key, salt, at } = yield* newKey
      yield* net.services[3]!.put({ key, salt, seq: 1n, value: Uint8Array.of(1) })
      const dht = yield* client({ bootstrap: [net.addresses[0]!] })
      while ((yield* dht.stats).nodes < 1) yield* Effect.sleep(5)
      yield* net.stop(0)
      const items = yield* Stream.runCollect(dht.get(at))
      assert.strictEqual(items.length, 1)
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("a snapshot makes the next start a warm one, without bootstrap nodes", () =>
    Effect.gen(function* () {
      const net = yield* DhtTestnet.make({ nodes: 10 })
      const { key, salt, at } = yield* newKey
      const knownNodes = yield* Effect.scoped(
        Effect.gen(function* () {
          const dht = yield* client({ bootstrap: [net.addresses[0]!] })
          yield* dht.put({ key, salt, seq: MAX, value: ascii("x") })
          return yield* dht.snapshot
        }),
      )
      assert.strictEqual(knownNodes.length, 10)
      const warm = yield* client({ bootstrap: [], host: "127.0.0.1", knownNodes })
      assert.deepStrictEqual(yield* values(warm.get(at)), ["x"])
      const bad = yield* Effect.flip(client({ knownNodes: [{ id: new Uint8Array(3), host: "127.0.0.1", port: 1 }] }))
      assert.include(bad.message, "20 bytes")
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("with loopback bootstrap nodes it is bound to loopback only", () =>
    Effect.gen(function* () {
      const dht = yield* client({
        bootstrap: [
          { host: "localhost", port: 9 },
          { host: "127.0.0.1", port: 9 },
        ],
      })
      assert.strictEqual((yield* dht.address).host, "127.0.0.1")
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("starts although a name is not resolved", () =>
    Effect.gen(function* () {
      const net = yield* DhtTestnet.make({ nodes: 3 })
      const unknown = { host: "nowhere.invalid", port: 6881 }
      const dht = yield* client({ bootstrap: [unknown, net.addresses[0]!], host: "127.0.0.1" })
      yield* dht.bootstrapped
      const alone = yield* client({ bootstrap: [unknown], host: "127.0.0.1" })
      const error = yield* Effect.flip(alone.bootstrapped)
      assert.strictEqual(error.reason, "NoNodes")
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("names a port in use", () =>
    Effect.gen(function* () {
      const net = yield* DhtTestnet.make({ nodes: 1 })
      const { port } = net.addresses[0]!
      const error = yield* Effect.flip(DhtTestnet.make({ nodes: 2, port }))
      assert.strictEqual(error.reason, "Bind")
      assert.include(error.message, String(port))
      const none = yield* Effect.flip(DhtTestnet.make({ nodes: 0 }))
      assert.include(none.message, "nodes: 0")
    }).pipe(Effect.provide(Crypto.layer())),
  )
})
