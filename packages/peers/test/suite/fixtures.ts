/** A group of calls with everything that RPC has: values, streams, deferred results, middlewares, defects. Counterparts of Effect's own. */
import { Context, Deferred, Effect, Layer, Option, Queue, Schema, Stream } from "effect"
import { Headers } from "effect/http"
import { Rpc, RpcGroup, RpcMiddleware } from "effect/rpc"
import { PeerRpc, RemotePeer } from "../../src/index.ts"

export class Person extends Schema.Class<Person>("Person")({ id: Schema.String, name: Schema.String }) {}

class CurrentPerson extends Context.Service<CurrentPerson, Person>()("CurrentPerson") {}

class NotSignedIn extends Schema.TaggedError<NotSignedIn>()("NotSignedIn", {}) {}

class SignedIn extends RpcMiddleware.Service<SignedIn, { provides: CurrentPerson }>()("SignedIn", {
  error: NotSignedIn,
  requiredForClient: true,
}) {}

class Counted extends RpcMiddleware.Service<Counted>()("Counted") {}

export class NoSuchPerson extends Schema.TaggedError<NoSuchPerson>()("NoSuchPerson", { id: Schema.String }) {}

export class People extends RpcGroup.make(
  Rpc.make("GetPerson", { success: Person, payload: { id: Schema.String } }),
  Rpc.make("GetPersonDeferred", { success: Person, payload: { id: Schema.String } }),
  Rpc.make("GetPersonOption", { success: Schema.Option(Person), payload: { id: Schema.String } }),
  Rpc.make("FindPerson", { success: Person, error: NoSuchPerson, payload: { id: Schema.String } }),
  Rpc.make("StreamPeople", { success: Person, payload: { id: Schema.String }, stream: true }),
  Rpc.make("FailingStream", { success: Schema.Number, error: NoSuchPerson, stream: true }),
  Rpc.make("GetInterrupts", { success: Schema.Number }),
  Rpc.make("GetEmits", { success: Schema.Number }),
  Rpc.make("ProduceDefect"),
  Rpc.make("ProduceDefectCustom", { defect: Schema.Defect({ includeStack: true }) }),
  Rpc.make("Never"),
  Rpc.make("nested.test"),
  Rpc.make("CountedMethod", { payload: { shouldFail: Schema.Boolean }, success: Schema.Number }).middleware(Counted),
  Rpc.make("GetCounts", { success: Schema.Struct({ all: Schema.Number, defects: Schema.Number }) }),
  Rpc.make("GetCaller", {
    success: Schema.Struct({ header: Schema.UndefinedOr(Schema.String), peer: Schema.String }),
  }).middleware(PeerRpc.Caller),
  Rpc.make("GetBytes", { payload: { length: Schema.Number }, success: Schema.Uint8Array }),
  Rpc.make("GetTrace", {
    success: Schema.Struct({ traceId: Schema.String, parent: Schema.UndefinedOr(Schema.String) }),
  }),
).middleware(SignedIn) {}

const layerSignedIn = Layer.succeed(
  SignedIn,
  SignedIn.of((effect, { headers }) =>
    Effect.provideService(
      effect,
      CurrentPerson,
      new Person({ id: headers.userid ?? "1", name: headers.name ?? "nobody" }),
    ),
  ),
)

/** What a client of the group needs: it says its name. */
export const layerClientSignedIn = RpcMiddleware.layerClient(SignedIn, ({ next, request }) =>
  next({ ...request, headers: Headers.set(request.headers, "name", "signed in") }),
)

/** The handlers, with counters of their own. */
export const layerHandlers = Layer.unwrap(
  Effect.sync(() => {
    let interrupts = 0
    let emits = 0
    const counts = { all: 0, defects: 0 }
    const layerCounted = Layer.succeed(
      Counted,
      Counted.of((effect) =>
        effect.pipe(
          Effect.tapDefect(() => Effect.sync(() => counts.defects++)),
          Effect.ensuring(Effect.sync(() => counts.all++)),
        ),
      ),
    )
    const handlers = People.toLayer({
      GetPerson: () => CurrentPerson.pipe(Rpc.fork),
      GetPersonDeferred: ({ id }) =>
        Effect.sync(() => {
          const deferred = Deferred.makeUnsafe<Person>()
          Deferred.doneUnsafe(deferred, Effect.succeed(new Person({ id, name: "late" })))
          return deferred
        }),
      GetPersonOption: ({ id }) => Effect.succeed(Option.some(new Person({ id, name: "found" }))),
      FindPerson: ({ id }) => Effect.fail(new NoSuchPerson({ id })),
      StreamPeople: Effect.fnUntraced(function* ({ id }) {
        const queue = yield* Queue.bounded<Person>(0)
        yield* Effect.addFinalizer(() => Effect.sync(() => interrupts++))
        yield* Queue.offer(queue, new Person({ id, name: "next" })).pipe(
          Effect.tap(() => Effect.sync(() => emits++)),
          Effect.delay(100),
          Effect.forever,
          Effect.forkScoped,
        )
        return queue
      }),
      FailingStream: () => Stream.concat(Stream.make(1, 2, 3), Stream.fail(new NoSuchPerson({ id: "4" }))),
      GetInterrupts: () => Effect.sync(() => interrupts),
      GetEmits: () => Effect.sync(() => emits),
      ProduceDefect: () => Effect.die("boom"),
      ProduceDefectCustom: () =>
        Effect.die({ name: "CustomDefect", message: "details", stack: "Error: details\n  at x.ts:1" }),
      Never: () => Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupts++)),
      "nested.test": () => Effect.void,
      CountedMethod: ({ shouldFail }) => (shouldFail ? Effect.die("boom") : Effect.succeed(1)),
      GetCounts: () => Effect.sync(() => ({ ...counts })),
      GetCaller: (_payload, { headers }) =>
        Effect.map(RemotePeer, (peer) => ({ header: headers[PeerRpc.PEER_HEADER], peer })),
      GetBytes: ({ length }) => Effect.sync(() => new Uint8Array(length)),
      GetTrace: () =>
        Effect.map(Effect.currentSpan, (span) => ({
          traceId: span.traceId,
          parent: Option.getOrUndefined(span.parent)?.spanId,
        })).pipe(Effect.orDie),
    })
    return Layer.provideMerge(handlers, Layer.mergeAll(layerSignedIn, layerCounted, PeerRpc.layerCaller))
  }),
)
