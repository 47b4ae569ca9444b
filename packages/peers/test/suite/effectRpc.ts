/**
 * Counterparts of those of Effect's own RPC tests that concern a transport and are not in calls.ts, under their titles there (RpcClient.test.ts,
 * RpcServer.test.ts, AtomRpc.test.ts). Its tests of HTTP responses, of workers and of serializations alone have none: they have no transport, or another.
 */
import { assert, describe } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Schedule, Schema, Stream } from "effect"
import { Entity, EntityProxy, EntityProxyServer, Sharding } from "effect/cluster"
import { AsyncResult, AtomRegistry, AtomRpc } from "effect/reactivity"
import { Rpc, RpcClient, type RpcClientError, RpcGroup, RpcSerialization } from "effect/rpc"
import { PeerRpc, Peers } from "../../src/index.ts"
import { admitAll, inTime, type Runner, type TestPeers, until, type World } from "../world.ts"
import { served } from "./calls.ts"

class Events extends RpcGroup.make(Rpc.make("Events", { success: Schema.String, stream: true })) {}

const handlers = Events.toLayer({ Events: () => Stream.make("one", "two") })

const protocolOf = (from: TestPeers, to: TestPeers["endpointId"], options: Partial<PeerRpc.RpcClientOptions> = {}) =>
  PeerRpc.layerClientProtocol(to, { protocol: "rpc", ...options }).pipe(
    Layer.provide(RpcSerialization.layerSchemaBinary()),
    Layer.provide(Layer.succeed(Peers, from)),
  )

/** Two nodes of which the second serves nothing yet. */
const two = Effect.fnUntraced(function* (world: World) {
  return [yield* world.node({ allow: admitAll }), yield* world.node({ allow: admitAll })] as const
})

export const effectRpc = (it: Runner): void => {
  describe("Effect's own tests of clients", () => {
    it("reports transient socket open errors without failing in-flight streams", (world) =>
      Effect.gen(function* () {
        const [a, b] = yield* two(world)
        const errors: Array<RpcClientError.RpcClientError> = []
        const options = {
          retryTransientErrors: true,
          retryPolicy: Schedule.spaced("20 millis"),
          onTransientError: (error: RpcClientError.RpcClientError) => Effect.sync(() => void errors.push(error)),
        }
        const context = yield* Layer.build(protocolOf(a, b.endpointId, options))
        const client = yield* Effect.provideContext(RpcClient.make(Events), context)
        const reading = yield* Effect.forkChild(Stream.runCollect(client.Events()))
        yield* until(world, "three errors", () => errors.length >= 3)
        for (const { reason } of errors) assert.strictEqual(reason._tag, "SocketOpenError")
        assert.isUndefined(reading.pollUnsafe())
        yield* served(b, Events, handlers)
        assert.deepStrictEqual([...(yield* inTime(world, "it is served", Fiber.join(reading)))], ["one", "two"])
      }))

    it("fails in-flight streams when transient retries are exhausted", (world) =>
      Effect.gen(function* () {
        const [a, b] = yield* two(world)
        const options = { retryTransientErrors: true, retryPolicy: Schedule.recurs(2) }
        const context = yield* Layer.build(protocolOf(a, b.endpointId, options))
        const client = yield* Effect.provideContext(RpcClient.make(Events), context)
        const error = yield* inTime(world, "it fails", Effect.flip(Stream.runDrain(client.Events())))
        assert.strictEqual(error.reason._tag, "SocketOpenError")
      }))

    it("continues retrying when the transient error hook defects", (world) =>
      Effect.gen(function* () {
        const [a, b] = yield* two(world)
        let calls = 0
        const options = {
          retryTransientErrors: true,
          retryPolicy: Schedule.recurs(2),
          onTransientError: () =>
            Effect.andThen(
              Effect.sync(() => calls++),
              Effect.die("hook defect"),
            ),
        }
        const context = yield* Layer.build(protocolOf(a, b.endpointId, options))
        const client = yield* Effect.provideContext(RpcClient.make(Events), context)
        const error = yield* inTime(world, "it fails", Effect.flip(Stream.runDrain(client.Events())))
        assert.strictEqual(error.reason._tag, "SocketOpenError")
        assert.strictEqual(calls, 3)
      }))
  })

  describe("Effect's own tests of servers", () => {
    it("entity proxy: provides handler context for generated rpc handlers", (world) =>
      Effect.gen(function* () {
        const [a, b] = yield* two(world)
        const Counter = Entity.make("Counter", [Rpc.make("NoPayload")])
        const called = yield* Deferred.make<string>()
        // All that the handlers use of a cluster.
        const sharding = {
          isShutdown: Effect.succeed(false),
          makeClient: () =>
            Effect.succeed((entityId: string) => ({
              NoPayload: (_payload: undefined, options?: { readonly discard?: boolean }) =>
                Effect.asVoid(Deferred.succeed(called, `${entityId} ${options?.discard}`)),
            })),
          pollStorage: Effect.void,
        } as unknown as Sharding.Sharding["Service"]
        const group = EntityProxy.toRpcGroup(Counter)
        yield* served(
          b,
          group,
          EntityProxyServer.layerRpcHandlers(Counter).pipe(Layer.provide(Layer.succeed(Sharding.Sharding, sharding))),
        )
        const context = yield* Layer.build(protocolOf(a, b.endpointId))
        const client = yield* Effect.provideContext(RpcClient.make(group), context)
        yield* inTime(world, "it is called", client["Counter.NoPayloadDiscard"]({ entityId: "id", payload: undefined }))
        assert.strictEqual(yield* Deferred.await(called), "id true")
      }))
  })

  describe("Effect's own tests of atoms", () => {
    it("AtomRpc: query creates an atom of the answer of a peer", (world) =>
      Effect.gen(function* () {
        const [a, b] = yield* two(world)
        class Users extends RpcGroup.make(
          Rpc.make("getUser", {
            payload: Schema.Struct({ id: Schema.FiniteFromString }),
            success: Schema.Struct({ id: Schema.Number, name: Schema.String }),
          }),
        ) {}
        yield* served(b, Users, Users.toLayer({ getUser: ({ id }) => Effect.succeed({ id, name: `user-${id}` }) }))
        const Client = AtomRpc.Service()("Client", { group: Users, protocol: protocolOf(a, b.endpointId) })
        const registry = AtomRegistry.make()
        const atom = Client.query("getUser", { id: 1 }, { reactivityKeys: ["users"] })
        const unmount = registry.mount(atom)
        yield* until(world, "it is answered", () => AsyncResult.isSuccess(registry.get(atom)))
        const answer = registry.get(atom)
        assert.deepStrictEqual(AsyncResult.isSuccess(answer) && answer.value, { id: 1, name: "user-1" })
        unmount()
        registry.dispose()
      }))
  })
}
