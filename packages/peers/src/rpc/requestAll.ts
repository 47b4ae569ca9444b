/** One call to many peers: an exit of each, as they come. */
import type { EndpointId } from "@topic-tracker/crypto"
import { Duration, Effect, Exit, Stream } from "effect"
import { type Rpc, RpcClient, type RpcClientError, type RpcGroup, type RpcSerialization } from "effect/rpc"
import { errorOf } from "../errorOf.ts"
import { PeerError } from "../PeerError.ts"
import type { ConnectOptions, Peers } from "../Peers.ts"
import { layerClientProtocol, typedErrors } from "./clientProtocol.ts"

/**
 * The answer of one member to {@link requestAll}.
 *
 * @since 0.1.0
 * @category models
 */
export interface Answer<A, E> {
  readonly peer: EndpointId.EndpointId
  readonly exit: Exit.Exit<A, E | PeerError>
}

/**
 * Options of {@link requestAll}.
 *
 * @since 0.1.0
 * @category options
 */
export interface RequestAllOptions extends ConnectOptions {
  /** Members that are asked at a time. Default 16. */
  readonly concurrency?: number
  /** The time that each member has, from its turn on; then its exit is a PeerError `TimedOut`. Default 10 s. */
  readonly timeout?: Duration.Input
  /** Ends after so many successes, and interrupts the other calls. Default: when all have answered. */
  readonly first?: number
}

const DEFAULT_CONCURRENCY = 16
const DEFAULT_TIMEOUT = Duration.seconds(10)

/**
 * Asks every member, and gives the exit of each as it comes. A member that is named twice is asked once. A member that cannot be reached, leaves
 * meanwhile or does not answer in time has an exit too: a PeerError with its id. The stream itself does not fail.
 *
 * @since 0.1.0
 * @category operations
 * @example
 * ```ts
 * PeerRpc.requestAll(yield* topic.neighbors, Names, (client) => client.Name(), { protocol: "names", timeout: "2 seconds" })
 * ```
 */
export const requestAll = <Rpcs extends Rpc.Any, A, E, R>(
  members: Iterable<EndpointId.EndpointId>,
  group: RpcGroup.RpcGroup<Rpcs>,
  ask: (
    client: RpcClient.RpcClient<Rpcs, RpcClientError.RpcClientError>,
    peer: EndpointId.EndpointId,
  ) => Effect.Effect<A, E, R>,
  options: RequestAllOptions,
): Stream.Stream<Answer<A, E>, never, R | Peers | RpcSerialization.RpcSerialization | Rpc.MiddlewareClient<Rpcs>> => {
  const { concurrency = DEFAULT_CONCURRENCY, first, protocol, timeout = DEFAULT_TIMEOUT } = options
  const askOne = (peer: EndpointId.EndpointId) =>
    Effect.gen(function* () {
      const client = yield* RpcClient.make(group)
      return yield* ask(client, peer)
    }).pipe(
      Effect.provide(layerClientProtocol(peer, { protocol, timeout })),
      Effect.scoped,
      typedErrors,
      Effect.mapError((error) => (error instanceof PeerError ? withPeer(error, peer, protocol) : error)),
      Effect.timeoutOrElse({
        duration: timeout,
        orElse: () =>
          Effect.fail(
            errorOf(
              peer,
              {
                reason: "TimedOut",
                message: `no answer in ${Duration.format(Duration.fromInputUnsafe(timeout))}`,
              },
              protocol,
            ),
          ),
      }),
      Effect.exit,
      Effect.map((exit): Answer<A, E> => ({ peer, exit })),
    )
  const answers = Stream.fromIterable(new Set(members)).pipe(Stream.mapEffect(askOne, { concurrency, unordered: true }))
  if (first === undefined) return answers
  return Stream.suspend(() => {
    let successes = 0
    return Stream.takeUntil(answers, ({ exit }) => Exit.isSuccess(exit) && ++successes >= first)
  })
}

const withPeer = (error: PeerError, peer: EndpointId.EndpointId, protocol: string): PeerError => {
  if (error.peer === undefined) return errorOf(peer, error, protocol)
  if (error.protocol !== undefined) return error
  const { message, reason } = error
  return new PeerError({ reason, peer, protocol, message })
}
