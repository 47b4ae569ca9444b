import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Crypto, Identity, SecretRotation } from "@topic-tracker/crypto"
import { Dht } from "@topic-tracker/dht"
import { DhtTestnet } from "@topic-tracker/dht/testing"
import { AddressLookup, Gossip, IrohTransport } from "@topic-tracker/gossip"
import { Context, Effect, Exit, Fiber, Layer, Redacted, Scope, Stream } from "effect"
import * as TopicConfig from "../../src/config/index.ts"
import type { Topic } from "../../src/topic/Topic.ts"
import { type NodeOptions, TopicTracker } from "../../src/tracker/TopicTracker.ts"

/** A testnet of real DHT nodes, and nodes of ours with real sockets, all on loopback. */
const testnet = Effect.gen(function* () {
  const { addresses } = yield* DhtTestnet.make({ nodes: 20 }).pipe(Effect.provide(Crypto.layer()))
  const bootstrap = addresses.slice(0, 1)
  return Effect.fnUntraced(function* (options: NodeOptions = {}) {
    const scope = yield* Scope.fork(yield* Effect.scope)
    const services = yield* Layer.buildWithScope(
      TopicTracker.layer({ ...options, config: TopicConfig.merge({ dht: { bootstrap } }, options.config ?? {}) }),
      scope,
    )
    const tracker = Context.get(services, TopicTracker)
    return {
      endpointId: tracker.endpointId,
      join: tracker.join({ topic: "topic", secret: "secret" }),
      leave: Scope.close(scope, Exit.void),
    }
  })
})

const receives = (topic: Topic, text: string) =>
  Effect.map(topic.subscribe(), (events) =>
    Stream.runHead(Stream.filter(events, (event) => event._tag === "Message" && event.text === text)),
  )

describe("with real sockets on loopback", () => {
  it.live(
    "two nodes start together, a third comes later, the first leaves, and a fourth still gets in",
    () =>
      Effect.gen(function* () {
        const node = yield* testnet
        const [a, b] = yield* Effect.all([node(), node()], { concurrency: 2 })
        const [first, second] = yield* Effect.all([a.join, b.join], { concurrency: 2 })
        const third = yield* (yield* node()).join
        const heard = yield* Effect.all([receives(second, "from the first"), receives(third, "from the first")])
        yield* first.broadcast("from the first")
        for (const waiting of heard) assert.strictEqual((yield* waiting)._tag, "Some")
        yield* a.leave
        const fourth = yield* (yield* node()).join
        const last = yield* receives(fourth, "to the fourth")
        yield* second.broadcast("to the fourth")
        assert.strictEqual((yield* last)._tag, "Some")
      }),
    60_000,
  )

  it.live("a resumed topic is joined again within a second, also without the DHT", () =>
    Effect.gen(function* () {
      const dht = yield* Scope.fork(yield* Effect.scope)
      const node = yield* testnet.pipe(Scope.provide(dht))
      const [a, b] = yield* Effect.all([node(), node()], { concurrency: 2 })
      const [first, second] = yield* Effect.all([a.join, b.join], { concurrency: 2 })
      yield* Scope.close(dht, Exit.void)
      yield* first.suspend
      while (yield* second.isJoined) yield* Effect.sleep("5 millis")
      yield* Effect.sleep("2 seconds")
      const heard = yield* receives(first, "back")
      yield* first.resume
      yield* first.joined.pipe(Effect.timeout("1 second"))
      yield* second.joined
      yield* second.broadcast("back")
      assert.strictEqual((yield* heard)._tag, "Some")
    }),
  )

  it.live("a topic ends with the reason when the endpoint cannot be bound", () =>
    Effect.gen(function* () {
      const { addresses } = yield* DhtTestnet.make({ nodes: 20 }).pipe(Effect.provide(Crypto.layer()))
      const nodeAt = (bind: string) =>
        Layer.build(
          TopicTracker.layerNoDeps().pipe(
            Layer.provideMerge(Gossip.layer()),
            Layer.provide(IrohTransport.layerOverEndpoint()),
            Layer.provide(IrohTransport.layerEndpoint({ bind })),
            Layer.provide([AddressLookup.layerNone(), Dht.layer({ bootstrap: addresses.slice(0, 1) })]),
            Layer.provide([Identity.layerRandom(), SecretRotation.layer()]),
            Layer.provide(Crypto.layer()),
          ),
        )
      const taken = (yield* Context.get(yield* nodeAt("127.0.0.1:0"), Gossip).address).direct[0]!
      const tracker = Context.get(yield* nodeAt(taken), TopicTracker)
      const failure = yield* Effect.flip(Effect.scoped(tracker.join({ topic: "topic", secret: "secret" })))
      assert.strictEqual(failure._tag === "TopicError" && failure.reason._tag, "Closed")
      assert.include(failure.message, `cannot bind ${taken}: Address already in use`)
      assert.strictEqual(yield* tracker.openTopics, 0)
    }),
  )

  it.live(
    "the configured relays are used, and none if none is configured",
    () =>
      Effect.gen(function* () {
        const node = yield* testnet
        const asked: Array<string> = []
        const relay = (name: string) =>
          Effect.acquireRelease(
            Effect.callback<Server>((resume) => {
              const server = createServer((_, response) => {
                asked.push(name)
                response.writeHead(404).end()
              })
              server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
            }),
            (server) => Effect.sync(() => void server.close().closeAllConnections()),
          ).pipe(Effect.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`))
        const named = { network: { relays: [yield* relay("turned off")] } }
        yield* node({ config: TopicConfig.merge(named, { network: { relays: "none" } }) })
        yield* node({ config: { network: { relays: [] } } })
        yield* node({ config: { network: { relays: [yield* relay("named")] } } })
        yield* node({ config: { network: { relays: yield* relay("configured") } } })
        while (!(asked.includes("named") && asked.includes("configured"))) yield* Effect.sleep("20 millis")
        assert.deepStrictEqual([...new Set(asked)].sort(), ["configured", "named"])
      }),
    20_000,
  )

  it.live(
    "two separate swarms of three become one when they can read each other's records",
    () =>
      Effect.gen(function* () {
        const node = yield* testnet
        // Each swarm has a rotation of its own, until both have the same: a rotation may change while a topic runs.
        let differs = true
        const rotation = (offset: number) =>
          SecretRotation.layerFrom(({ unixMinute }) =>
            Redacted.make(new Uint8Array(32).fill(Number(unixMinute % 100n) + (differs ? offset : 0))),
          )
        // The workers begin when both swarms exist: the testnet's nodes keep only the last record of a slot.
        const rhythm = { baseInterval: "1 second", maxJitter: "500 millis" } as const
        const config = {
          publisher: { initialDelay: "3 seconds", ...rhythm },
          bubbleMerge: { initialInterval: "3 seconds", ...rhythm },
        } as const
        const swarms = yield* Effect.forEach([100, 200], (offset) =>
          Effect.all(Array.from({ length: 3 }, () => node({ config, rotation: rotation(offset) }))),
        )
        const topics = (yield* Effect.forEach(swarms, ([first, ...others]) =>
          Effect.gen(function* () {
            const founding = yield* Effect.forkScoped(first!.join)
            const joined = yield* Effect.forEach(others, ({ join }) => join)
            const topics = [yield* Fiber.join(founding), ...joined]
            // A record that lands late would hide those of the next swarm, which are put only once a minute.
            for (const { stats } of topics)
              while ((yield* stats).recordsPublished === 0) yield* Effect.sleep("20 millis")
            return topics
          }),
        )).flat()
        /** Whether a node of one swarm and a node of the other are neighbours of each other. */
        const crossing = Effect.gen(function* () {
          const views = yield* Effect.forEach(topics, ({ neighbors }) => neighbors)
          const ids = swarms.flat().map(({ endpointId }) => endpointId)
          const linked = (i: number, j: number) => views[i]!.has(ids[j]!) && views[j]!.has(ids[i]!)
          return [0, 1, 2].some((i) => [3, 4, 5].some((j) => linked(i, j)))
        })
        assert.isFalse(yield* crossing, "separate while their rotations differ")
        differs = false
        while (!(yield* crossing)) yield* Effect.sleep("50 millis")
        const heard = yield* Effect.forEach(topics.slice(1), (topic) => receives(topic, "to both"))
        yield* topics[0]!.broadcast("to both")
        for (const waiting of heard) assert.strictEqual((yield* waiting)._tag, "Some")
      }),
    60_000,
  )
})
