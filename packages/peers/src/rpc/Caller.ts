import { Effect, Layer, Option } from "effect"
import { RpcMiddleware } from "effect/rpc"
import { RemotePeer } from "../RemotePeer.ts"

/**
 * Gives the handlers of an RPC, or of a group, the proven id of their caller as `RemotePeer`.
 *
 * @since 0.1.0
 * @category models
 * @example
 * ```ts
 * class Names extends RpcGroup.make(Rpc.make("Name", { success: Schema.String })).middleware(PeerRpc.Caller) {}
 * const handlers = Names.toLayer({ Name: () => Effect.map(RemotePeer, (peer) => `you are ${peer}`) })
 * ```
 */
export class Caller extends RpcMiddleware.Service<Caller, { provides: RemotePeer }>()("@topic-tracker/peers/Caller") {}

/**
 * The implementation of {@link Caller} for a server on `layerServerProtocol`. A call that came over another protocol has no caller: it ends
 * with a defect.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerCaller: Layer.Layer<Caller> = Layer.succeed(
  Caller,
  Caller.of((effect) =>
    Effect.flatMap(Effect.serviceOption(RemotePeer), (peer) =>
      Option.isSome(peer)
        ? Effect.provideService(effect, RemotePeer, peer.value)
        : Effect.die(new Error("Caller: the call did not come over peer streams; use PeerRpc.layerServerProtocol")),
    ),
  ),
)
