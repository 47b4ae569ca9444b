/** The call `echo` between members: `node --serve echo` answers it, `call --method echo` makes it. */
import type { EndpointId, Topic } from "@topic-tracker/core"
import { PeerRpc, Peers, RemotePeer } from "@topic-tracker/peers"
import { Effect, Layer, Schema } from "effect"
import { Rpc, RpcGroup, RpcSerialization, RpcServer } from "effect/rpc"

export const PROTOCOL = "echo"

/** Gives its text back. */
export class Echo extends RpcGroup.make(
  Rpc.make("echo", { payload: { data: Schema.String }, success: Schema.String }).middleware(PeerRpc.Caller),
) {}

/** The peer streams of a topic. Of an open topic too: an echo may be had by anybody. */
export const peersLayer = (topic: Topic.Topic) =>
  Layer.merge(Peers.layer(topic, { allow: () => Effect.succeed(true) }), RpcSerialization.layerSchemaBinary())

/** Answers calls until the scope closes. `onCall` runs for each. */
export const serveEcho = (topic: Topic.Topic, onCall: (from: EndpointId.EndpointId) => Effect.Effect<void>) => {
  const handlers = Echo.toLayer({
    echo: ({ data }) =>
      Effect.gen(function* () {
        yield* onCall(yield* RemotePeer)
        return data
      }),
  })
  return RpcServer.layer(Echo).pipe(
    Layer.provide([handlers, PeerRpc.layerCaller]),
    Layer.provide(PeerRpc.layerServerProtocol({ protocol: PROTOCOL })),
    Layer.provide(peersLayer(topic)),
    Layer.build,
  )
}
