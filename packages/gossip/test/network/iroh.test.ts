import { assert, describe, it } from "@effect/vitest"
import { Crypto, Identity } from "@topic-tracker/crypto"
import { Context, Effect, Exit, Layer, Scope, Stream } from "effect"
import {
  AddressLookup,
  AddressLookupError,
  type EndpointAddress,
  Gossip,
  IrohTransport,
  type ReceiveStream,
} from "../../src/index.ts"
import { suite } from "./suite.ts"
import { freshTopic, isJoined, joinedInLine, makeIrohWorld, recorded, text, until } from "./world.ts"

suite("iroh on loopback", (name, test) => it.live(name, () => Effect.flatMap(makeIrohWorld(), test)))

describe("an iroh endpoint", () => {
  const nodeWith = (lookup: Layer.Layer<AddressLookup>, bind = "127.0.0.1:0") =>
    Layer.build(
      Gossip.layerIroh({ bind }).pipe(
        Layer.provide(lookup),
        Layer.provide(Identity.layerRandom()),
        Layer.provide(Crypto.layer()),
      ),
    ).pipe(Effect.map((context) => Context.get(context, Gossip)))

  it.live("learns the addresses of peers from other peers", () =>
    Effect.gen(function* () {
      const world = yield* makeIrohWorld()
      const first = yield* nodeWith(AddressLookup.layerNone())
      const knowsFirst = AddressLookup.layerStatic(new Map([[first.endpointId, yield* first.address]]))
      const [second, third] = [yield* nodeWith(knowsFirst), yield* nodeWith(knowsFirst)]
      const id = freshTopic()
      yield* first.open(id)
      const others = [yield* second.open(id), yield* third.open(id)] as const
      for (const other of others) {
        yield* other.join([first.endpointId])
        yield* until(world, "it is joined", () => isJoined(other))
      }
      yield* until(world, "the others have met", () =>
        Effect.map(others[0].neighbors, (neighbors) => neighbors.has(third.endpointId)),
      )
    }),
  )

  it.live("sends its address in the first Join", () =>
    Effect.gen(function* () {
      const world = yield* makeIrohWorld()
      const contact = yield* world.bare
      const received: Array<number> = []
      const readAll = (stream: ReceiveStream): void =>
        stream.read((chunk) => {
          if (chunk === undefined) return
          received.push(...chunk)
          readAll(stream)
        })
      yield* contact.listen({
        connected: (connection) => connection.acceptStream((stream) => stream !== undefined && readAll(stream)),
        dialFailed: () => {},
      })
      const knowsContact = AddressLookup.layerStatic(new Map([[contact.endpointId, yield* contact.address]]))
      const node = yield* nodeWith(knowsContact)
      const topic = yield* node.open(freshTopic())
      yield* topic.join([contact.endpointId])
      // The header's frame, then the length of Join's, then Swarm, Join, "some" and the length of the data.
      const join = 4 + 32 + 4
      yield* until(world, "Join is there", () => Effect.sync(() => received.length > join + 4))
      assert.deepStrictEqual(received.slice(join, join + 3), [0, 0, 1])
      assert.isAbove(received[join + 3]!, 0)
    }),
  )

  it.live("writes waiting messages together", () =>
    Effect.gen(function* () {
      const world = yield* makeIrohWorld()
      const [a, b] = [yield* world.node(), yield* world.node()]
      const [atA, atB] = yield* joinedInLine(world, [a, b])
      const heard = yield* recorded(atB!)
      const writesFor = Effect.fnUntraced(function* (count: number, size: number) {
        const [before, heardBefore] = [(yield* a.stats).writes, heard.texts().length]
        for (let i = 0; i < count; i++) yield* atA!.broadcast(text(`${count} ${i} `.padEnd(size)))
        yield* until(world, "all arrived", () => Effect.sync(() => heard.texts().length === heardBefore + count))
        return (yield* a.stats).writes - before
      })
      assert.strictEqual(yield* writesFor(20, 100), 1, "less than 4 KB")
      assert.strictEqual(yield* writesFor(32, 100), 2, "two halves")
      assert.strictEqual(yield* writesFor(45, 1_000), 4, "each a little more than 12 KB")
    }),
  )

  it.live("reports a failed dial when no address of the peer is known", () =>
    Effect.gen(function* () {
      const world = yield* makeIrohWorld()
      const [node, unknown] = [yield* nodeWith(AddressLookup.layerNone()), yield* nodeWith(AddressLookup.layerNone())]
      const topic = yield* node.open(freshTopic())
      yield* topic.join([unknown.endpointId])
      yield* until(world, "the dial has failed", () => Effect.map(node.stats, (stats) => stats.dialFailures === 1))
      assert.strictEqual((yield* node.stats).peers, 0)
    }),
  )

  it.live("dials a peer at its new address while a dial at a wrong address is in progress", () =>
    Effect.gen(function* () {
      const world = yield* makeIrohWorld()
      const peer = yield* nodeWith(AddressLookup.layerNone())
      const nobodyThere: EndpointAddress = { relayUrl: undefined, direct: ["127.0.0.1:9"] }
      const node = yield* nodeWith(AddressLookup.layerStatic(new Map([[peer.endpointId, nobodyThere]])))
      const id = freshTopic()
      yield* peer.open(id)
      const topic = yield* node.open(id)
      yield* topic.join([peer.endpointId])
      yield* Effect.sleep("500 millis")
      assert.isFalse(yield* isJoined(topic))
      yield* node.learnAddress(peer.endpointId, yield* peer.address)
      yield* until(world, "it is joined", () => isJoined(topic)).pipe(Effect.timeout("3 seconds"))
      assert.strictEqual((yield* node.stats).dials, 1)
    }),
  )

  it.live("dials a peer at its new address also after many wrong addresses", () =>
    Effect.gen(function* () {
      const world = yield* makeIrohWorld()
      const peer = yield* nodeWith(AddressLookup.layerNone())
      const node = yield* nodeWith(AddressLookup.layerNone())
      const id = freshTopic()
      yield* peer.open(id)
      const topic = yield* node.open(id)
      for (const port of [9, 10, 11, 12]) {
        yield* node.learnAddress(peer.endpointId, { relayUrl: undefined, direct: [`127.0.0.1:${port}`] })
        yield* topic.join([peer.endpointId])
        yield* Effect.sleep("300 millis")
      }
      yield* node.learnAddress(peer.endpointId, yield* peer.address)
      yield* until(world, "it is joined", () => isJoined(topic)).pipe(Effect.timeout("4 seconds"))
    }),
  )

  it.live("closes without waiting for a dial that no peer answers", () =>
    Effect.gen(function* () {
      const world = yield* makeIrohWorld()
      const [ends, scope] = [yield* Scope.make(), yield* Scope.make()]
      const gone = yield* nodeWith(AddressLookup.layerNone()).pipe(Scope.provide(ends))
      const knowsWhere = AddressLookup.layerStatic(new Map([[gone.endpointId, yield* gone.address]]))
      yield* Scope.close(ends, Exit.void)
      const node = yield* nodeWith(knowsWhere).pipe(Scope.provide(scope))
      const topic = yield* node.open(freshTopic()).pipe(Scope.provide(scope))
      yield* topic.join([gone.endpointId])
      yield* until(world, "it is being dialled", () => Effect.map(node.stats, ({ dials }) => dials === 1))
      yield* Effect.sleep("300 millis")
      yield* Scope.close(scope, Exit.void).pipe(Effect.timeout("2 seconds"))
    }),
  )

  it.live("dials also when the lookup fails, dies or returns invalid addresses", () =>
    Effect.gen(function* () {
      const world = yield* makeIrohWorld()
      const target = yield* nodeWith(AddressLookup.layerNone())
      const right = yield* target.address
      const answers: ReadonlyArray<Stream.Stream<EndpointAddress, AddressLookupError>> = [
        Stream.make({ relayUrl: "no relay", direct: ["nonsense", "1.2.3.4:99999"] }, right),
        Stream.concat(
          Stream.succeed(right),
          Stream.fail(new AddressLookupError({ endpointId: target.endpointId, message: "no network" })),
        ),
        Stream.concat(Stream.succeed(right), Stream.die("a bug")),
      ]
      const id = freshTopic()
      const atTarget = yield* target.open(id)
      for (const [i, answer] of answers.entries()) {
        const lookup = Layer.succeed(AddressLookup, {
          resolve: () => answer,
          publish: () => Effect.void,
          learnAddress: () => Effect.void,
        })
        const node = yield* nodeWith(lookup)
        const topic = yield* node.open(id)
        yield* topic.join([target.endpointId])
        yield* until(world, "it is joined", () =>
          Effect.map(atTarget.neighbors, (neighbors) => neighbors.has(node.endpointId)),
        )
        assert.isAtLeast((yield* atTarget.neighbors).size, i + 1)
      }
    }),
  )

  it.live("binds only loopback when it gets a loopback address, and publishes the bound addresses", () =>
    Effect.gen(function* () {
      const { direct, relayUrl } = yield* (yield* nodeWith(AddressLookup.layerNone())).address
      assert.isUndefined(relayUrl)
      assert.isAtLeast(direct.length, 1)
      for (const address of direct) assert.match(address, /^(127\.0\.0\.1|\[::1\]):\d+$/)
    }),
  )

  it.live("names the address that it cannot bind", () =>
    Effect.gen(function* () {
      const taken = (yield* (yield* nodeWith(AddressLookup.layerNone())).address).direct[0]!
      const inUse = yield* Effect.flip(Effect.scoped(nodeWith(AddressLookup.layerNone(), taken)))
      assert.strictEqual(inUse.reason, "Bind")
      assert.include(inUse.message, `cannot bind ${taken}: Address already in use`)
      const nonsense = yield* Effect.flip(Effect.scoped(nodeWith(AddressLookup.layerNone(), "nonsense")))
      assert.strictEqual(nonsense.reason, "InvalidArgument")
      assert.include(nonsense.message, '"nonsense"')
    }),
  )

  it.live("names the relay that is invalid", () =>
    Effect.gen(function* () {
      const layer = Gossip.layerIroh({ bind: "127.0.0.1:0", relay: ["http://127.0.0.1:3340", "relay.example"] })
      const dependencies = Layer.merge(
        AddressLookup.layerNone(),
        Identity.layerRandom().pipe(Layer.provide(Crypto.layer())),
      )
      const failure = yield* Effect.flip(Effect.scoped(Layer.build(layer.pipe(Layer.provide(dependencies)))))
      assert.strictEqual(failure.reason, "InvalidArgument")
      assert.include(failure.message, 'relay: "relay.example"; must be an http or https URL')
    }),
  )

  it.live("an error names the invalid or unknown option of an endpoint", () =>
    Effect.gen(function* () {
      for (const [options, message] of [
        [{ dialTimeout: "soon" }, 'dialTimeout: soon; must be a duration above 0 such as "5 seconds"'],
        [{ silenceTimeout: 0 }, 'silenceTimeout: 0; must be a duration above 0 such as "5 seconds"'],
        [{ preset: "n1" }, 'preset: "n1"; must be "minimal" or "n0"'],
        [{ dialTimeoutMs: 5 }, "dialTimeoutMs: is no option; must be one of preset, bind, relay, alpn"],
      ] as const) {
        // Wrong on purpose, as from JavaScript.
        const layer = IrohTransport.layerEndpoint({ bind: "127.0.0.1:0", ...options } as IrohTransport.IrohOptions)
        const identity = Identity.layerRandom().pipe(Layer.provide(Crypto.layer()))
        const failure = yield* Effect.flip(Effect.scoped(Layer.build(layer.pipe(Layer.provide(identity)))))
        assert.strictEqual(failure.reason, "InvalidArgument")
        assert.include(failure.message, message)
      }
    }),
  )

  it.live("names the part of the configuration that is invalid", () =>
    Effect.gen(function* () {
      const layer = Gossip.layerIroh({ bind: "127.0.0.1:0", config: { membership: { shuffleInterval: -1 } } })
      const dependencies = Layer.merge(
        AddressLookup.layerNone(),
        Identity.layerRandom().pipe(Layer.provide(Crypto.layer())),
      )
      const failure = yield* Effect.flip(Effect.scoped(Layer.build(layer.pipe(Layer.provide(dependencies)))))
      assert.strictEqual(failure.reason, "InvalidArgument")
      assert.include(failure.message, "config.membership.shuffleInterval")
    }),
  )
})
