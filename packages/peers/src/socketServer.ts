/** Peer streams as Effect's SocketServer. */
import { Deferred, Effect, type Exit, Layer, Queue } from "effect"
import { NetAddress } from "effect/net"
import { type Socket, SocketServer } from "effect/socket"
import type { PeerError } from "./PeerError.ts"
import { type PeerSocket, Peers, type ServeOptions } from "./Peers.ts"
import { RemotePeer } from "./RemotePeer.ts"

/** Streams that wait for `run`; the next ones wait in their handlers. */
const CAPACITY = 16

interface Incoming extends PeerSocket {
  readonly done: Deferred.Deferred<unknown, unknown>
}

/**
 * The SocketServer of a protocol: every peer that is admitted may connect. `run` handles each stream in a fiber of its own, in which
 * `Effect.serviceOption(RemotePeer)` gives the peer. `address` has no meaning: peers dial by key.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerSocketServer = (options: ServeOptions): Layer.Layer<SocketServer.SocketServer, PeerError, Peers> =>
  Layer.effect(
    SocketServer.SocketServer,
    Effect.gen(function* () {
      const peers = yield* Peers
      const incoming = yield* Queue.bounded<Incoming>(CAPACITY)
      yield* peers.serve(options, (peer) => {
        const done = Deferred.makeUnsafe<unknown, unknown>()
        return Effect.andThen(Queue.offer(incoming, { ...peer, done }), Deferred.await(done))
      })
      const run = Effect.fnUntraced(function* <R, E, _>(
        handler: (socket: Socket.Socket) => Effect.Effect<_, E, R>,
      ): Effect.fn.Return<never, SocketServer.SocketServerError, R> {
        const handle = ({ done, peer, socket }: Incoming) =>
          Effect.suspend(() => handler(socket)).pipe(
            Effect.provideService(RemotePeer, peer),
            Effect.onExit((exit: Exit.Exit<unknown, unknown>) => Deferred.done(done, exit)),
            Effect.catchCause(() => Effect.void),
          )
        return yield* Effect.scoped(
          Effect.gen(function* () {
            while (true) {
              const next = yield* Queue.take(incoming)
              yield* Effect.forkScoped(handle(next))
            }
          }),
        ) as Effect.Effect<never, never, R>
      })
      return SocketServer.SocketServer.of({ address: ANY_ADDRESS, run })
    }),
  )

const ANY_ADDRESS = NetAddress.inetAddressFromStringUnsafe("127.0.0.1:0")
