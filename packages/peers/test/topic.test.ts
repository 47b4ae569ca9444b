/** Peers of topics that were joined with the tracker, in a world in memory. */
import { assert, describe, it } from "@effect/vitest"
import { Topic, TopicTracker } from "@topic-tracker/core"
import { MemoryWorld } from "@topic-tracker/core/testing"
import { Context, Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { Peers } from "../src/index.ts"

/** Lets time pass until the effect is done. */
const inTime = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect)
    for (let i = 0; i < 2_000 && fiber.pollUnsafe() === undefined; i++) yield* TestClock.adjust(50)
    assert.isDefined(fiber.pollUnsafe(), "it is done in time")
    return yield* Fiber.join(fiber)
  })

describe("the peers of a topic", () => {
  for (const access of ["open", "members"] as const) {
    it.effect(`talk in a topic with access ${access}, until it is suspended`, () =>
      Effect.gen(function* () {
        const world = yield* MemoryWorld.make()
        const join = Effect.gen(function* () {
          const context = yield* Layer.build(MemoryWorld.layer(world))
          const tracker = Context.get(context, TopicTracker)
          return {
            id: tracker.endpointId,
            topic: yield* Topic.join({ topic: "t", secret: "s", access }).pipe(
              Effect.provideService(TopicTracker, tracker),
            ),
          }
        })
        const [a, b] = yield* inTime(Effect.all([join, join], { concurrency: 2 }))
        const options = access === "open" ? { allow: () => Effect.succeed(true) } : {}
        const ours = yield* Peers.make(a.topic, options)
        const theirs = yield* Peers.make(b.topic, options)
        yield* theirs.serve({ protocol: "name" }, ({ peer, socket }) =>
          Effect.flatMap(socket.writer, ({ write }) => write(`you are ${peer}`)).pipe(Effect.scoped),
        )
        const socket = yield* inTime(ours.connect(b.id, { protocol: "name" }))
        const { pull } = yield* socket.reader
        const [first] = yield* inTime(pull)
        assert.strictEqual(new TextDecoder().decode(first as Uint8Array), `you are ${a.id}`)
        assert.deepInclude((yield* inTime(Effect.flip(pull))).reason, { _tag: "SocketCloseError", code: 1_000 })
        // Bulk gives way to gossip, whose messages are counted in every topic.
        const { connections } = yield* b.topic.peerLink
        const before = connections.gossipMessages()
        yield* a.topic.broadcast("hello")
        yield* TestClock.adjust("1 second")
        assert.isAbove(connections.gossipMessages(), before)
        yield* inTime(b.topic.suspend)
        const gone = yield* inTime(Effect.flip(Effect.scoped(ours.connect(b.id, { protocol: "name" }))))
        assert.strictEqual(gone.reason, "NotInTopic")
        yield* inTime(a.topic.suspend)
        const closed = yield* Effect.flip(Effect.scoped(ours.connect(b.id, { protocol: "name" })))
        assert.strictEqual(closed.reason, "Closed")
        assert.strictEqual((yield* Effect.flip(Effect.scoped(Peers.make(a.topic)))).reason, "Closed")
      }),
    )
  }
})
