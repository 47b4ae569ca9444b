import { Topic } from "@topic-tracker/core"
import { MemoryWorld } from "@topic-tracker/core/testing"
import { Peers } from "@topic-tracker/peers"
import * as PeerDevTools from "@topic-tracker/peers/PeerDevTools"
import { Effect, Stream } from "effect"

const options = { topic: "t", secret: "s", access: "members" } as const

/** Works in spans, and lets every member look. */
const observed = Effect.gen(function* () {
  const topic = yield* Topic.join(options)
  const work = Effect.sleep("50 millis").pipe(Effect.withSpan("work"), Effect.forever)
  const tools = PeerDevTools.layerTracer({ allow: () => Effect.succeed(true) })
  yield* work.pipe(Effect.provide(tools), Effect.provide(Peers.layer(topic)))
})

const viewer = Effect.gen(function* () {
  const topic = yield* Topic.join(options)
  yield* Effect.sleep("500 millis")
  const [peer] = yield* topic.neighbors
  const seen = PeerDevTools.look(peer!).pipe(
    Stream.filter((message) => message._tag === "Span" && message.name === "work"),
    Stream.runHead,
  )
  console.log((yield* seen.pipe(Effect.provide(Peers.layer(topic))))._tag) // → Some
})

const program = Effect.gen(function* () {
  const world = yield* MemoryWorld.make()
  yield* Effect.forkScoped(observed.pipe(Effect.scoped, Effect.provide(MemoryWorld.layer(world))))
  yield* viewer.pipe(Effect.scoped, Effect.provide(MemoryWorld.layer(world)))
})

await Effect.runPromise(Effect.scoped(program))
