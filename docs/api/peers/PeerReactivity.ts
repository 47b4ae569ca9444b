import { Topic } from "@topic-tracker/core"
import { MemoryWorld } from "@topic-tracker/core/testing"
import * as PeerReactivity from "@topic-tracker/peers/PeerReactivity"
import { Effect, Stream } from "effect"
import { Reactivity } from "effect/reactivity"

const options = { topic: "t", secret: "s", access: "members" } as const

/** A query that runs again when any member changes "notes". */
const reader = Effect.gen(function* () {
  const topic = yield* Topic.join(options)
  let runs = 0
  const query = Effect.sync(() => ++runs)
  const results = yield* Effect.scoped(
    Reactivity.stream(query, ["notes"]).pipe(Stream.take(2), Stream.runCollect),
  ).pipe(Effect.provide(PeerReactivity.layer(topic)))
  console.log(results.join()) // → 1,2
})

const writer = Effect.gen(function* () {
  const topic = yield* Topic.join(options)
  yield* Reactivity.mutation(Effect.void, ["notes"]).pipe(
    Effect.delay("300 millis"),
    Effect.forever,
    Effect.provide(PeerReactivity.layer(topic)),
  )
})

const program = Effect.gen(function* () {
  const world = yield* MemoryWorld.make()
  yield* Effect.forkScoped(writer.pipe(Effect.scoped, Effect.provide(MemoryWorld.layer(world))))
  yield* reader.pipe(Effect.scoped, Effect.provide(MemoryWorld.layer(world)))
})

await Effect.runPromise(Effect.scoped(program))
