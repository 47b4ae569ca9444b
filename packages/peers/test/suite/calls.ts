/** Calls between peers, over every transport. The titles of the first group are those of Effect's own tests (rpc-e2e.ts). */
import { assert, describe } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Layer, Option, Schedule, Schema, type Scope, Stream } from "effect"
import { Rpc, RpcClient, type RpcClientError, RpcGroup, RpcSerialization, RpcServer } from "effect/rpc"
import { PeerRpc, Peers, type PeersOptions } from "../../src/index.ts"
import { admitAll, inTime, type Runner, type TestPeers, until, type World } from "../world.ts"
import { layerClientSignedIn, layerHandlers, NoSuchPerson, People, Person } from "./fixtures.ts"

const layersOf = {
  "schema binary": () => RpcSerialization.layerSchemaBinary(),
  ndjson: () => RpcSerialization.layerNdjson,
  "ndjson-rpc": () => RpcSerialization.layerNdJsonRpc(),
} as const

type Format = keyof typeof layersOf

/** A server of the group at one peer. */
export const served = Effect.fnUntraced(function* <Rpcs extends Rpc.Any, E, R>(
  node: TestPeers,
  group: RpcGroup.RpcGroup<Rpcs>,
  handlers: Layer.Layer<Rpc.ToHandler<Rpcs> | Rpc.Middleware<Rpcs>, E, R>,
  {
    format = "schema binary",
    disableFatalDefects = true,
    ...options
  }: { readonly format?: Format; readonly disableFatalDefects?: boolean } & Partial<PeerRpc.RpcServeOptions> = {},
) {
  yield* Layer.build(
    RpcServer.layer(group, { disableFatalDefects }).pipe(
      Layer.provide(handlers),
      Layer.provide(PeerRpc.layerServerProtocol({ protocol: "rpc", ...options })),
      Layer.provide(layersOf[format]()),
      Layer.provide(Layer.succeed(Peers, node)),
    ) as Layer.Layer<never, unknown, R>,
  )
})

const clientOf = Effect.fnUntraced(function* <Rpcs extends Rpc.Any>(
  from: TestPeers,
  to: TestPeers["endpointId"],
  group: RpcGroup.RpcGroup<Rpcs>,
  format: Format = "schema binary",
) {
  const context = yield* Layer.build(
    PeerRpc.layerClientProtocol(to, { protocol: "rpc" }).pipe(
      Layer.provideMerge(Layer.mergeAll(layersOf[format](), Layer.succeed(Peers, from))),
      Layer.merge(layerClientSignedIn),
    ),
  )
  const client = (yield* RpcClient.make(group).pipe(Effect.provideContext(context as never))) as RpcClient.RpcClient<
    Rpcs,
    RpcClientError.RpcClientError
  >
  return client
})

const people = Effect.fnUntraced(function* (
  world: World,
  format: Format = "schema binary",
  options: PeersOptions = {},
) {
  const a = yield* world.node({ allow: admitAll, ...options })
  const b = yield* world.node({ allow: admitAll, ...options })
  yield* served(b, People, layerHandlers, { format })
  return { a, b, client: yield* clientOf(a, b.endpointId, People, format) }
})

const nobody = (name: string) => new Person({ id: "1", name })

export const calls = (it: Runner, formats: ReadonlyArray<Format> = ["schema binary", "ndjson", "ndjson-rpc"]): void => {
  for (const format of formats) {
    describe(`rpc with ${format}`, () => {
      const test = (
        name: string,
        body: (
          client: RpcClient.RpcClient<RpcGroup.Rpcs<typeof People>, RpcClientError.RpcClientError>,
          world: World,
        ) => Effect.Effect<void, unknown, Scope.Scope>,
      ) =>
        it(name, (world) =>
          Effect.flatMap(people(world, format), ({ client }) => inTime(world, "it is done", body(client, world))),
        )

      test("should get user", (client) =>
        Effect.gen(function* () {
          const person = yield* client.GetPerson({ id: "1" })
          assert.instanceOf(person, Person)
          assert.deepStrictEqual(person, nobody("signed in"))
        }))

      test("should get deferred user", (client) =>
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* client.GetPersonDeferred({ id: "1" }), nobody("late"))
        }))

      test("nested method", (client) => client["nested.test"]())

      test("should not flatten Option", (client) =>
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* client.GetPersonOption({ id: "1" }), Option.some(nobody("found")))
        }))

      test("headers", (client) =>
        Effect.gen(function* () {
          const person = yield* client.GetPerson({ id: "1" })
          assert.deepStrictEqual(person, new Person({ id: "123", name: "signed in" }))
        }).pipe(RpcClient.withHeaders({ userId: "123" })))

      test("typed errors", (client) =>
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* Effect.flip(client.FindPerson({ id: "7" })), new NoSuchPerson({ id: "7" }))
          const seen: Array<number> = []
          const error = yield* client.FailingStream().pipe(
            Stream.runForEach((each) => Effect.sync(() => seen.push(each))),
            Effect.flip,
          )
          assert.deepStrictEqual(seen, [1, 2, 3])
          assert.deepStrictEqual(error, new NoSuchPerson({ id: "4" }))
        }))

      test("Stream: acknowledgement holds the server, and an interruption reaches it", (client, world) =>
        Effect.gen(function* () {
          const taken: Array<Person> = []
          const taking = yield* client.StreamPeople({ id: "1" }).pipe(
            Stream.take(5),
            Stream.runForEach((person) => Effect.sync(() => taken.push(person))),
            Effect.forkChild,
          )
          yield* until(world, "five have come", () => taking.pollUnsafe() !== undefined)
          assert.lengthOf(taken, 5)
          for (let i = 0; i < 20; i++) yield* world.pass
          assert.strictEqual(yield* client.GetInterrupts(), 1)
          assert.strictEqual(yield* client.GetEmits(), 5)
        }))

      test("defect", (client) =>
        Effect.gen(function* () {
          const cause = yield* client.ProduceDefect().pipe(Effect.sandbox, Effect.flip)
          assert.deepStrictEqual(cause, Cause.die("boom"))
        }))

      test("preserves full defect with custom schema", (client) =>
        Effect.gen(function* () {
          const cause = yield* client.ProduceDefectCustom().pipe(Effect.sandbox, Effect.flip)
          const defect = Cause.squash(cause)
          assert.instanceOf(defect, Error)
          assert.strictEqual(defect.name, "CustomDefect")
          assert.strictEqual(defect.message, "details")
          assert.strictEqual(defect.stack, "Error: details\n  at x.ts:1")
        }))

      test("never", (client, world) =>
        Effect.gen(function* () {
          const waiting = yield* Effect.forkChild(client.Never())
          for (let i = 0; i < 20; i++) yield* world.pass
          assert.isUndefined(waiting.pollUnsafe())
          yield* Fiber.interrupt(waiting)
          for (let i = 0; i < 10; i++) yield* world.pass
          assert.strictEqual(yield* client.GetInterrupts(), 1)
        }))

      test("timing middleware", (client) =>
        Effect.gen(function* () {
          assert.strictEqual(yield* client.CountedMethod({ shouldFail: false }), 1)
          yield* Effect.exit(client.CountedMethod({ shouldFail: true }))
          assert.deepStrictEqual(yield* client.GetCounts(), { all: 2, defects: 1 })
        }))

      test("the span of the handler is a child of the caller's", (client) =>
        Effect.gen(function* () {
          const span = yield* Effect.currentSpan
          const { parent, traceId } = yield* client.GetTrace()
          assert.strictEqual(traceId, span.traceId)
          assert.isDefined(parent)
        }).pipe(Effect.withSpan("caller")))

      test("a result that is too large is a PeerError, and the next call works", (client) =>
        Effect.gen(function* () {
          const error = yield* client.GetBytes({ length: 2_000_000 }).pipe(PeerRpc.typedErrors, Effect.flip)
          assert.deepInclude(error, { _tag: "PeerError", reason: "TooLarge" })
          assert.match(error.message, /^result: \d{7} bytes; must be at most 1048576/)
          assert.lengthOf(yield* client.GetBytes({ length: 300_000 }), 300_000)
        }))
    })
  }

  describe("the caller of an rpc", () => {
    it("is the peer that QUIC proved, whatever headers it sends", (world) =>
      Effect.gen(function* () {
        const { a, client } = yield* people(world)
        for (const name of ["x-peer-id", "X-Peer-Id", "X-PEER-ID"]) {
          const caller = yield* inTime(
            world,
            "it is answered",
            client.GetCaller().pipe(RpcClient.withHeaders({ [name]: "f".repeat(64) })),
          )
          assert.deepStrictEqual(caller, { header: a.endpointId, peer: a.endpointId })
        }
      }))
  })

  // The end of one call does not concern a stream beside it.
  const Ticker = Rpc.make("Ticker", { success: Schema.Number, stream: true })
  const Ghost = Rpc.make("Ghost", { payload: { value: Schema.String }, success: Schema.String })
  const Boom = Rpc.make("Boom", { success: Schema.String })

  describe("isolation of calls", () => {
    it("an unknown request tag fails only its own request, not other in-flight streams on the same connection", (world) =>
      Effect.gen(function* () {
        const a = yield* world.node({ allow: admitAll })
        const b = yield* world.node({ allow: admitAll })
        const group = RpcGroup.make(Ticker)
        yield* served(b, group, group.toLayer({ Ticker: () => ticks }))
        const client = yield* clientOf(a, b.endpointId, RpcGroup.make(Ticker, Ghost))
        yield* survives(world, client.Ticker(), Effect.exit(client.Ghost({ value: "boo" })))
      }))

    it("with disableFatalDefects a handler defect fails only its own request, not other in-flight streams", (world) =>
      Effect.gen(function* () {
        const a = yield* world.node({ allow: admitAll })
        const b = yield* world.node({ allow: admitAll })
        const group = RpcGroup.make(Ticker, Boom)
        yield* served(b, group, group.toLayer({ Ticker: () => ticks, Boom: () => Effect.die("boom") }))
        const client = yield* clientOf(a, b.endpointId, group)
        const exit = yield* survives(world, client.Ticker(), Effect.exit(client.Boom()))
        assert.include(String(Exit.isFailure(exit) && Cause.squash(exit.cause)), "boom")
      }))
  })

  describe("a client", () => {
    it("gets a PeerError for each reason that no stream opens", (world) =>
      Effect.gen(function* () {
        const a = yield* world.node()
        const b = yield* world.node({ allow: admitAll })
        const client = yield* clientOf(a, b.endpointId, People)
        const error = yield* inTime(world, "it fails", client["nested.test"]().pipe(PeerRpc.typedErrors, Effect.flip))
        assert.deepInclude(error, { _tag: "PeerError", reason: "NotServed", peer: b.endpointId, protocol: "rpc" })
        assert.strictEqual(error.message, `peer ${b.endpointId.slice(0, 8)}…: the peer does not serve this protocol`)
      }))

    it("gets Left when the peer leaves during a call, and Closed after its own topic was left", (world) =>
      Effect.gen(function* () {
        const { a, b, client } = yield* people(world)
        yield* inTime(world, "it works", client["nested.test"]())
        const waiting = yield* Effect.forkChild(client.Never().pipe(PeerRpc.typedErrors, Effect.flip))
        for (let i = 0; i < 10; i++) yield* world.pass
        yield* b.leave
        assert.deepInclude(yield* inTime(world, "it ends", Fiber.join(waiting)), {
          reason: "Left",
          peer: b.endpointId,
          message: `peer ${b.endpointId.slice(0, 8)}…: the peer left the topic, or this node did`,
        })
        yield* a.leave
        const after = yield* clientOf(a, b.endpointId, People)
        const late = yield* inTime(world, "it fails", after["nested.test"]().pipe(PeerRpc.typedErrors, Effect.flip))
        assert.deepInclude(late, { reason: "Closed" })
      }))

    it("interrupts its calls at the server when it goes, and finds the server again", (world) =>
      Effect.gen(function* () {
        const { a, b, client } = yield* people(world)
        const scope = yield* Effect.scope
        yield* inTime(
          world,
          "one goes",
          Effect.scoped(
            Effect.gen(function* () {
              const other = yield* clientOf(a, b.endpointId, People)
              yield* other["nested.test"]()
              yield* Effect.forkIn(Effect.exit(other.Never()), scope)
              for (let i = 0; i < 10; i++) yield* world.pass
            }),
          ),
        )
        const interrupts = client.GetInterrupts().pipe(
          Effect.filterOrFail((count) => count > 0),
          Effect.retry({ schedule: Schedule.spaced(10) }),
        )
        assert.strictEqual(yield* inTime(world, "it is asked", interrupts), 1)
      }))
  })

  describe("too many calls", () => {
    it("of one stream are answered with a defect", (world) =>
      Effect.gen(function* () {
        const a = yield* world.node({ allow: admitAll })
        const b = yield* world.node({ allow: admitAll })
        yield* served(b, People, layerHandlers, { maxCalls: 3 })
        const client = yield* clientOf(a, b.endpointId, People)
        yield* inTime(world, "it works", client["nested.test"]())
        const waiting = yield* Effect.forkChild(
          Effect.all(
            [1, 2, 3].map(() => client.Never()),
            { concurrency: "unbounded" },
          ),
        )
        for (let i = 0; i < 10; i++) yield* world.pass
        const exit = yield* inTime(world, "it is answered", Effect.exit(client["nested.test"]()))
        assert.match(String(Exit.isFailure(exit) && Cause.squash(exit.cause)), /3 calls of this stream are running/)
        yield* Fiber.interrupt(waiting)
        for (let i = 0; i < 10; i++) yield* world.pass
        yield* inTime(world, "it works again", client["nested.test"]())
      }))
  })
}

const ticks = Stream.forever(Stream.fromEffect(Effect.as(Effect.sleep(60), 1)))

/** The result of the call, during which and after which the stream goes on. */
const survives = <A, E, E2>(world: World, stream: Stream.Stream<number, E>, call: Effect.Effect<A, E2>) =>
  Effect.gen(function* () {
    let count = 0
    const ticking = yield* stream.pipe(
      Stream.runForEach(() => Effect.sync(() => count++)),
      Effect.forkChild,
    )
    yield* until(world, "it ticks", () => count >= 2)
    const result = yield* inTime(world, "the call ends", call)
    const before = count
    yield* until(world, "it ticks on", () => count >= before + 2)
    assert.isUndefined(ticking.pollUnsafe())
    yield* Fiber.interrupt(ticking)
    return result
  })
