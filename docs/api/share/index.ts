import { Topic } from "@topic-tracker/core"
import { MemoryWorld } from "@topic-tracker/core/testing"
import { Peers } from "@topic-tracker/peers"
import { type ContentHash, Share, ShareStorage } from "@topic-tracker/share"
import { Deferred, Effect, Layer, type Scope, Stream } from "effect"

const options = { topic: "t", secret: "s", access: "members" } as const

const withShare = <A, E>(use: Effect.Effect<A, E, Share | Scope.Scope>) =>
  Effect.gen(function* () {
    const topic = yield* Topic.join(options)
    const share = Share.layer(topic).pipe(Layer.provide([Peers.layer(topic), ShareStorage.layerMemory()]))
    return yield* Effect.provide(use, share)
  }).pipe(Effect.scoped)

const program = Effect.gen(function* () {
  const world = yield* MemoryWorld.make()
  const node = () => Effect.provide(MemoryWorld.layer(world))
  const hash = yield* Deferred.make<ContentHash>()
  const source = Effect.gen(function* () {
    const content = yield* (yield* Share).share(new Uint8Array(100_000))
    yield* Deferred.succeed(hash, content.hash)
    yield* Effect.never
  })
  yield* Effect.forkScoped(withShare(source).pipe(node()))
  const guest = Effect.gen(function* () {
    const share = yield* Share
    const wanted = yield* Deferred.await(hash)
    yield* Stream.runDrain(share.fetch(wanted))
    const sizes = yield* share.read(wanted).pipe(Stream.runCollect)
    console.log(sizes.reduce((sum, piece) => sum + piece.length, 0)) // → 100000
  })
  yield* withShare(guest).pipe(node())
})

await Effect.runPromise(Effect.scoped(program))
