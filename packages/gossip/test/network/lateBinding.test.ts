import { assert, describe, it, vi } from "@effect/vitest"
import { EndpointBuilder } from "@number0/iroh"
import { Crypto, Identity } from "@topic-tracker/crypto"
import { Context, Effect, Exit, Layer, Scope, Stream } from "effect"
import { AddressLookup, Gossip, IrohTransport } from "../../src/index.ts"
import { type AddressMap, freshTopic, isJoined, makeIrohWorld, recorded, until } from "./world.ts"

/** A node that exists before its endpoint is bound. */
const earlyNode = Effect.fnUntraced(function* (bind: string, book: AddressMap = new Map()) {
  const layer = Gossip.layer().pipe(
    Layer.provide(IrohTransport.layerOverEndpoint()),
    Layer.provide(IrohTransport.layerEndpoint({ bind })),
    Layer.provide(AddressLookup.layerShared(book)),
    Layer.provide(Identity.layerRandom()),
    Layer.provide(Crypto.layer()),
  )
  return Context.get(yield* Layer.build(layer), Gossip)
})

/** Whether the endpoint of the node is bound by now; no time passes. */
const isBound = (node: Gossip["Service"]) =>
  Effect.map(Effect.forkChild(node.ready, { startImmediately: true }), (fiber) => fiber.pollUnsafe() !== undefined)

const anyPort = "127.0.0.1:0"

describe("gossip over an endpoint that is still being bound", () => {
  it.live("opens topics at once, and dials when the endpoint is bound", () =>
    Effect.gen(function* () {
      const world = yield* makeIrohWorld()
      const book: AddressMap = new Map()
      const contact = yield* earlyNode(anyPort, book)
      book.set(contact.endpointId, yield* contact.address)
      const id = freshTopic()
      const atContact = yield* contact.open(id)
      const node = yield* earlyNode(anyPort, book)
      assert.isFalse(yield* isBound(node), "it is there before")
      const topic = yield* node.open(id)
      yield* topic.join([contact.endpointId])
      yield* until(world, "it is joined", () => isJoined(topic))
      yield* until(world, "it is known", () => isJoined(atContact))
      assert.isTrue(yield* isBound(node))
    }),
  )

  it.live("reports its addresses when the endpoint is bound, and nothing before", () =>
    Effect.gen(function* () {
      const node = yield* earlyNode(anyPort)
      assert.isFalse(yield* isBound(node))
      const first = yield* Stream.runHead(node.addressChanges)
      assert.strictEqual(first._tag, "Some")
      assert.deepStrictEqual(first._tag === "Some" ? first.value : undefined, yield* node.address)
      assert.match((yield* node.address).direct[0]!, /^127\.0\.0\.1:[1-9]/)
    }),
  )

  it.live("ends when the endpoint cannot be bound, and every operation fails with the reason", () =>
    Effect.gen(function* () {
      const world = yield* makeIrohWorld()
      const taken = (yield* (yield* earlyNode(anyPort)).address).direct[0]!
      const node = yield* earlyNode(taken)
      const topic = yield* node.open(freshTopic())
      const heard = yield* recorded(topic)
      for (const failure of [
        yield* Effect.flip(node.ready),
        yield* Effect.flip(node.ready),
        yield* Effect.flip(Effect.scoped(node.open(freshTopic()))),
      ]) {
        assert.strictEqual(failure.reason, "Bind")
        assert.include(failure.message, `cannot bind ${taken}: Address already in use`)
      }
      yield* until(world, "the topic has ended", () => Effect.sync(heard.isOver))
      assert.strictEqual((yield* Effect.flip(topic.join([]))).reason, "Closed")
      assert.deepStrictEqual(yield* node.address, { relayUrl: undefined, direct: [] })
    }),
  )

  it.live("closes the endpoint when its scope closes before it is bound", () =>
    Effect.gen(function* () {
      const binds = vi.spyOn(EndpointBuilder.prototype, "bind")
      const scope = yield* Scope.make()
      const node = yield* earlyNode(anyPort).pipe(Scope.provide(scope))
      assert.isFalse(yield* isBound(node))
      yield* Scope.close(scope, Exit.void)
      const [bound] = binds.mock.settledResults
      assert.strictEqual(bound?.type, "fulfilled", "the end of the scope waits for it")
      assert.isTrue(bound?.type === "fulfilled" && bound.value.isClosed())
    }).pipe(Effect.ensuring(Effect.sync(() => vi.restoreAllMocks()))),
  )
})
