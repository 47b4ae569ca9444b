/**
 * The client side of RPC over peer streams: Effect's own protocol for sockets on a stream to one peer, which is opened again when it broke.
 * Calls that wait fail, and are not repeated.
 */
import type { EndpointId } from "@topic-tracker/crypto"
import { type Cause, Effect, Layer, Predicate, type Schedule } from "effect"
import { RpcClient, type RpcClientError, type RpcSerialization } from "effect/rpc"
import { Socket } from "effect/socket"
import { errorOf } from "../errorOf.ts"
import { PeerError, type PeerErrorReason } from "../PeerError.ts"
import { type ConnectOptions, Peers } from "../Peers.ts"
import { RESULT_TOO_LARGE } from "./ResultTooLarge.ts"

/** The transport tells that a peer is gone; a ping is for a server that does not answer. */
const PING_INTERVAL = "30 seconds"

/**
 * Options of {@link layerClientProtocol}. Those of retries are Effect's own of `RpcClient.layerProtocolSocket`.
 *
 * @since 0.1.0
 * @category options
 */
export interface RpcClientOptions extends ConnectOptions {
  /** While no stream can be opened, calls wait and do not fail: for a peer that will be there soon. Default false. */
  readonly retryTransientErrors?: boolean
  /** How often a stream is opened again. Default: after 0.5 s, 1.5 times as long each time, at most 5 s. */
  readonly retryPolicy?: Schedule.Schedule<unknown, Socket.SocketError>
  /** Runs for each time that no stream was opened, with `retryTransientErrors`. */
  readonly onTransientError?: (error: RpcClientError.RpcClientError) => Effect.Effect<void>
}

/**
 * The `RpcClient.Protocol` of one peer, for `RpcClient.make(group)`. A failed connection fails the calls with `RpcClientError`;
 * {@link typedErrors} makes a PeerError of it.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerClientProtocol = (
  peer: EndpointId.EndpointId,
  { onTransientError, retryPolicy, retryTransientErrors, ...options }: RpcClientOptions,
): Layer.Layer<RpcClient.Protocol, never, Peers | RpcSerialization.RpcSerialization> =>
  RpcClient.layerProtocolSocket({
    pingInterval: PING_INTERVAL,
    retryTransientErrors,
    retryPolicy,
    onTransientError,
  }).pipe(
    Layer.provide(
      Layer.effect(
        Socket.Socket,
        Effect.map(Peers, (peers) => quiet(peer, peers.socket(peer, options))),
      ),
    ),
  )

/** The peers of streams that ended, by the reason of the socket's error, which has no room for it. */
const endedWith = new WeakMap<object, EndpointId.EndpointId>()

/** The client takes a write that fails for a defect. The reader fails too, which ends the calls with an error. */
const quiet = (peer: EndpointId.EndpointId, socket: Socket.Socket): Socket.Socket =>
  Socket.make({
    reader: Effect.map(socket.reader, (reader) => ({
      ...reader,
      pull: Effect.tapError(reader.pull, ({ reason }) => Effect.sync(() => void endedWith.set(reason, peer))),
    })),
    writer: Effect.map(socket.writer, (writer) => ({
      write: (chunk) => Effect.ignore(writer.write(chunk)),
      writeAll: (chunks) => Effect.ignore(writer.writeAll(chunks)),
    })),
  })

/**
 * Turns the errors of a call that come from its stream into a PeerError: the stream was not opened, the peer left, a proof of membership
 * ended, a request or a result was too large. Other errors stay as they are.
 *
 * @since 0.1.0
 * @category operations
 */
export const typedErrors = <A, E, R>(call: Effect.Effect<A, E, R>): Effect.Effect<A, E | PeerError, R> =>
  Effect.catchCause(call, (cause): Effect.Effect<never, E | PeerError> => {
    const error = peerErrorOf(cause)
    return error === undefined ? Effect.failCause(cause) : Effect.fail(error)
  })

const REASON_OF_CODE: Readonly<Record<number, readonly [PeerErrorReason, string]>> = {
  1009: ["TooLarge", "a request was too large for the peer"],
  4001: ["Left", "the peer left the topic, or this node did"],
  4003: ["NotAMember", "a proof of membership ended and was not renewed"],
}

/** By its tag, as Effect does: a program may have loaded the module twice. */
const isRpcClientError = (value: unknown): value is RpcClientError.RpcClientError =>
  Predicate.isTagged(value, "RpcClientError")

const peerErrorOf = (cause: Cause.Cause<unknown>): PeerError | undefined => {
  for (const reason of cause.reasons) {
    const value = reason._tag === "Fail" ? reason.error : reason._tag === "Die" ? reason.defect : undefined
    if (isRpcClientError(value)) {
      const of = value.reason
      if (of._tag === "SocketOpenError" && of.cause instanceof PeerError) return of.cause
      const known = of._tag === "SocketCloseError" ? REASON_OF_CODE[of.code] : undefined
      if (known !== undefined) {
        const [failed, message] = known
        const peer = endedWith.get(of)
        return peer === undefined
          ? new PeerError({ reason: failed, message })
          : errorOf(peer, { reason: failed, message })
      }
    }
    if (reason._tag === "Die" && value instanceof Error && value.name === RESULT_TOO_LARGE) {
      return new PeerError({ reason: "TooLarge", message: value.message })
    }
  }
  return undefined
}
