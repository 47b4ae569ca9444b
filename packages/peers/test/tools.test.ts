/** Effect's tools between members: a look into a member's spans by its key, and Reactivity through a topic; in memory, under TestClock. */
import { assert, describe, it } from "@effect/vitest"
import { Topic, TopicTracker } from "@topic-tracker/core"
import { MemoryWorld } from "@topic-tracker/core/testing"
import { Context, Effect, Fiber, Layer, Metric, Queue, Stream } from "effect"
import { Reactivity } from "effect/reactivity"
import { TestClock } from "effect/testing"
import { PeerDevTools, PeerReactivity, Peers } from "../src/index.ts"
import { inTime, makeMemoryWorld, until } from "./world.ts"

describe("DevTools over peer streams", () => {
  it.effect("a viewer that is admitted sees the spans, events and metrics of the member; another is refused", () =>
    Effect.gen(function* () {
      const world = yield* makeMemoryWorld({ link: () => ({ delayMs: 5 }) })
      const member = yield* world.node({ secret: "s" })
      const viewer = yield* world.node({ secret: "s" })
      const other = yield* world.node({ secret: "s" })
      const tracer = yield* Layer.build(
        PeerDevTools.layerTracer({ allow: (peer) => Effect.succeed(peer === viewer.endpointId) }).pipe(
          Layer.provide(Layer.succeed(Peers, member)),
        ),
      )
      const seen: Array<PeerDevTools.DevToolsMessage> = []
      const looking = yield* PeerDevTools.look(member.endpointId).pipe(
        Stream.runForEach((message) => Effect.sync(() => seen.push(message))),
        Effect.provideService(Peers, viewer),
        Effect.forkChild,
      )
      yield* until(world, "it looks", () => seen.some(({ _tag }) => _tag === "MetricsSnapshot"))
      yield* Effect.gen(function* () {
        yield* Metric.update(Metric.counter("tea_made"), 1)
        const span = yield* Effect.currentSpan
        span.event("water boils", 1n)
      }).pipe(Effect.withSpan("makeTea", { attributes: { cups: 2 } }), Effect.provideContext(tracer))
      yield* until(world, "the span has ended", () =>
        seen.some((message) => message._tag === "Span" && message.status._tag === "Ended"),
      )
      // Effect gives a span its attributes after its start.
      const tea = seen.flatMap((message) =>
        message._tag === "Span" ? [`${message.name} ${message.status._tag} ${message.attributes.get("cups")}`] : [],
      )
      assert.deepStrictEqual(tea, ["makeTea Started undefined", "makeTea Ended 2"])
      assert.isTrue(seen.some((message) => message._tag === "SpanEvent" && message.name === "water boils"))
      yield* TestClock.adjust("6 seconds")
      const metrics = seen.flatMap((message) => (message._tag === "MetricsSnapshot" ? message.metrics : []))
      assert.isTrue(metrics.some(({ id }) => id === "tea_made"))
      const refused = yield* inTime(
        world,
        "it is refused",
        PeerDevTools.look(member.endpointId).pipe(Stream.runDrain, Effect.provideService(Peers, other), Effect.flip),
      )
      assert.deepInclude(refused, { _tag: "PeerError", reason: "Refused" })
      yield* Fiber.interrupt(looking)
    }),
  )
})

/** Lets time pass until the effect is done. */
const passing = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect)
    for (let i = 0; i < 2_000 && fiber.pollUnsafe() === undefined; i++) yield* TestClock.adjust(50)
    assert.isDefined(fiber.pollUnsafe(), "it is done in time")
    return yield* Fiber.join(fiber)
  })

describe("Reactivity through a topic", () => {
  it.effect("what one member invalidates runs the queries of all, once for a batch, and only those", () =>
    Effect.gen(function* () {
      const world = yield* MemoryWorld.make()
      const join = Effect.gen(function* () {
        const context = yield* Layer.build(MemoryWorld.layer(world))
        const tracker = Context.get(context, TopicTracker)
        const topic = yield* Topic.join({ topic: "t", secret: "s", access: "members" }).pipe(
          Effect.provideService(TopicTracker, tracker),
        )
        const services = yield* Layer.build(PeerReactivity.layer(topic))
        return Context.get(services, Reactivity.Reactivity)
      })
      const [a, b] = yield* passing(Effect.all([join, join], { concurrency: 2 }))
      const runs = { tea: 0, users: 0, user7: 0, numbers: 0 }
      const count = (name: keyof typeof runs) => Effect.sync(() => ++runs[name])
      yield* b.query(["tea"], count("tea"))
      yield* b.query({ users: [] }, count("users"))
      yield* b.query({ users: [7] }, count("user7"))
      const numbers = yield* b.query([5], count("numbers"))
      assert.strictEqual(yield* Queue.take(numbers), 1)
      assert.deepStrictEqual(runs, { tea: 1, users: 1, user7: 1, numbers: 1 })
      yield* a.invalidate(["tea", 5])
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(runs, { tea: 2, users: 1, user7: 1, numbers: 2 })
      yield* a.mutation({ users: [8] }, Effect.void)
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(runs, { tea: 2, users: 2, user7: 2, numbers: 2 })
      yield* a.withBatch(
        Effect.gen(function* () {
          yield* a.invalidate(["tea"])
          yield* TestClock.adjust("2 seconds")
          assert.strictEqual(runs.tea, 2)
        }),
      )
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(runs.tea, 3)
      a.invalidateUnsafe(["tea"])
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(runs.tea, 4)
      // An object has no name on the wire.
      yield* a.invalidate([{ not: "a text" }])
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(runs, { tea: 4, users: 2, user7: 2, numbers: 2 })
    }),
  )

  it.effect("an open topic has no channel for it", () =>
    Effect.gen(function* () {
      const world = yield* MemoryWorld.make()
      const context = yield* Layer.build(MemoryWorld.layer(world))
      const topic = yield* Topic.joinNoWait({ topic: "t", secret: "s" }).pipe(
        Effect.provideService(TopicTracker, Context.get(context, TopicTracker)),
      )
      const error = yield* Effect.flip(Effect.scoped(Layer.build(PeerReactivity.layer(topic))))
      assert.strictEqual(error.reason, "NotMembersOnly")
    }),
  )
})
