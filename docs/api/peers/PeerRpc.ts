import { Topic } from "@topic-tracker/core"
import { MemoryWorld } from "@topic-tracker/core/testing"
import { Peers } from "@topic-tracker/peers"
import * as PeerRpc from "@topic-tracker/peers/PeerRpc"
import { Effect, Layer, Schedule, Schema } from "effect"
import { Rpc, RpcClient, RpcGroup, RpcSerialization, RpcServer } from "effect/rpc"

const options = { topic: "t", secret: "s", access: "members" } as const
const protocol = "sums"

class Sums extends RpcGroup.make(Rpc.make("Double", { payload: { value: Schema.Number }, success: Schema.Number })) {}

const servicesOf = (topic: Topic.Topic) => Layer.merge(Peers.layer(topic), RpcSerialization.layerSchemaBinary())

const server = Effect.gen(function* () {
  const topic = yield* Topic.join(options)
  const handlers = Sums.toLayer({ Double: ({ value }) => Effect.succeed(2 * value) })
  const serve = RpcServer.layer(Sums).pipe(
    Layer.provide(handlers),
    Layer.provide(PeerRpc.layerServerProtocol({ protocol })),
    Layer.provide(servicesOf(topic)),
  )
  yield* Layer.launch(serve)
})

const client = Effect.gen(function* () {
  const topic = yield* Topic.join(options)
  const [peer] = yield* topic.neighbors
  const answer = Effect.flatMap(RpcClient.make(Sums), (sums) => sums.Double({ value: 21 })).pipe(
    Effect.provide(PeerRpc.layerClientProtocol(peer!, { protocol })),
    Effect.scoped,
    Effect.retry({ schedule: Schedule.spaced("100 millis"), times: 50 }),
    Effect.provide(servicesOf(topic)),
  )
  console.log(yield* answer) // → 42
})

const program = Effect.gen(function* () {
  const world = yield* MemoryWorld.make()
  yield* Effect.forkScoped(server.pipe(Effect.scoped, Effect.provide(MemoryWorld.layer(world))))
  yield* client.pipe(Effect.scoped, Effect.provide(MemoryWorld.layer(world)))
})

await Effect.runPromise(Effect.scoped(program))
