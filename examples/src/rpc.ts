/**
 * Typed calls between the members of a topic: a call to one member, whose handler knows the caller, and one call to all of them, with a
 * stream as its result. The members need no address of each other, only the topic and its secret.
 */
import { arch, loadavg, platform } from "node:os"
import { runCommand } from "@topic-tracker/cli-kit"
import { type EndpointId, Topic, TopicTracker } from "@topic-tracker/core"
import { PeerError, PeerRpc, Peers, RemotePeer } from "@topic-tracker/peers"
import { Cause, Console, Effect, Exit, Layer, Schedule, Schema, Stream } from "effect"
import { Command } from "effect/cli"
import { Rpc, RpcClient, RpcGroup, RpcSerialization, RpcServer } from "effect/rpc"
import { layerOn, membersFlags, membersTopicOf } from "./lib/meeting.ts"
import { short } from "./lib/talk.ts"

const TOPIC = "rpc example"

/** All members have the same group: each answers it, and asks the others. */
class Machines extends RpcGroup.make(
  Rpc.make("Greet", { payload: { name: Schema.String }, success: Schema.String }).middleware(PeerRpc.Caller),
  Rpc.make("Load", { success: Schema.Number }),
  Rpc.make("CountTo", { payload: { limit: Schema.Int }, success: Schema.Int, error: Schema.String, stream: true }),
) {}

const handlers = Machines.toLayer({
  // QUIC proved who the caller is: it cannot claim to be another.
  Greet: ({ name }) =>
    Effect.map(
      RemotePeer,
      (peer) => `hello ${JSON.stringify(name)} at ${short(peer)}, from ${platform()} on ${arch()}`,
    ),
  Load: () => Effect.sync(() => loadavg()[0] ?? 0),
  CountTo: ({ limit }) => (limit > 100 ? Stream.fail(`limit: ${limit}; must be at most 100`) : Stream.range(1, limit)),
})

const PROTOCOL = "machines"

const server = RpcServer.layer(Machines).pipe(
  Layer.provide([handlers, PeerRpc.layerCaller]),
  Layer.provide(PeerRpc.layerServerProtocol({ protocol: PROTOCOL })),
)

const callOne = Effect.fn("callOne")(function* (peer: EndpointId.EndpointId) {
  const client = yield* RpcClient.make(Machines)
  yield* Console.log(yield* client.Greet({ name: "a friend" }))
  const counted = yield* Stream.runCollect(client.CountTo({ limit: 5 }))
  yield* Console.log(`counted: ${[...counted].join(" ")}`)
  const refused = yield* Effect.flip(Stream.runDrain(client.CountTo({ limit: 1_000 })))
  yield* Console.log(`refused: ${refused}`)
  yield* Effect.logDebug(`called ${peer}`)
})

const callAll = (members: ReadonlySet<EndpointId.EndpointId>) =>
  PeerRpc.requestAll(members, Machines, (client) => client.Load(), { protocol: PROTOCOL, timeout: "3 seconds" }).pipe(
    Stream.runForEach(({ exit, peer }) =>
      Console.log(
        Exit.isSuccess(exit)
          ? `load of ${short(peer)}: ${exit.value.toFixed(2)}`
          : `no load of ${short(peer)}: ${Cause.squash(exit.cause)}`,
      ),
    ),
  )

const rpc = Effect.fn("rpc")(function* (options: Parameters<typeof membersTopicOf>[1]) {
  const { join } = yield* membersTopicOf(TOPIC, options)
  const topic = yield* Topic.join(join)
  const peers = Layer.merge(Peers.layer(topic), RpcSerialization.layerSchemaBinary())
  yield* Effect.gen(function* () {
    for (const peer of yield* topic.neighbors) {
      yield* callOne(peer).pipe(
        Effect.provide(PeerRpc.layerClientProtocol(peer, { protocol: PROTOCOL })),
        Effect.scoped,
        // The other side may still be about to serve.
        PeerRpc.typedErrors,
        Effect.retry({
          while: (error) => error instanceof PeerError,
          schedule: Schedule.spaced("1 second"),
          times: 10,
        }),
      )
    }
    yield* Effect.repeat(Effect.flatMap(topic.neighbors, callAll), Schedule.spaced("2 seconds"))
  }).pipe(Effect.provide(Layer.provideMerge(server, peers)))
}, Effect.scoped)

const command = Command.make("rpc", membersFlags(TOPIC), (options) =>
  rpc(options).pipe(
    Effect.provide(layerOn(options, (bootstrap) => TopicTracker.layer({ config: { dht: { bootstrap } } }))),
  ),
).pipe(Command.withDescription("Typed calls to one member and to all. Runs until Ctrl-C."))

runCommand(command, { whenInterrupted: 0 })
