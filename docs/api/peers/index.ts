import { Topic } from "@topic-tracker/core"
import { MemoryWorld } from "@topic-tracker/core/testing"
import { Peers } from "@topic-tracker/peers"
import { Effect, Schedule } from "effect"
import { Socket } from "effect/socket"

const options = { topic: "t", secret: "s", access: "members" } as const

const server = Effect.gen(function* () {
  const peers = yield* Peers.make(yield* Topic.join(options))
  yield* peers.serve({ protocol: "greeting" }, ({ socket }) =>
    Effect.flatMap(socket.writer, ({ write }) => write("hello")).pipe(Effect.scoped),
  )
  yield* Effect.never
})

const client = Effect.gen(function* () {
  const topic = yield* Topic.join(options)
  const peers = yield* Peers.make(topic)
  const [peer] = yield* topic.neighbors
  const greeting = Effect.gen(function* () {
    const socket = yield* peers.connect(peer!, { protocol: "greeting" })
    const pull = yield* Socket.readerString(socket)
    return (yield* pull).join("")
  })
  console.log(yield* greeting.pipe(Effect.retry({ schedule: Schedule.spaced("100 millis"), times: 50 }))) // → hello
})

const program = Effect.gen(function* () {
  const world = yield* MemoryWorld.make()
  yield* Effect.forkScoped(server.pipe(Effect.scoped, Effect.provide(MemoryWorld.layer(world))))
  yield* client.pipe(Effect.scoped, Effect.provide(MemoryWorld.layer(world)))
})

await Effect.runPromise(Effect.scoped(program))
