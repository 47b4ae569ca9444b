/**
 * The server side of RPC over peer streams. Effect's own protocol for socket servers does not do: it puts headers of the connection before
 * those of the client, and the later ones win. Here handlers see the caller's endpoint id, which QUIC proved, and the client cannot set it.
 * Source of the contract: effect/rpc RpcServer.Protocol of effect 4.1.
 */
import type { EndpointId } from "@topic-tracker/crypto"
import { Effect, Exit, Layer, Queue, Schema } from "effect"
import { type RpcMessage, RpcSerialization, RpcServer } from "effect/rpc"
import { Socket } from "effect/socket"
import type { PeerError } from "../PeerError.ts"
import { Peers, type ServeOptions } from "../Peers.ts"
import { DEFAULT_MAX_BYTES, ResultTooLarge } from "./ResultTooLarge.ts"

/**
 * The header with the caller's endpoint id. Whatever a client sends under this name is removed.
 *
 * @since 0.1.0
 * @category constants
 */
export const PEER_HEADER = "x-peer-id"

/**
 * Options of an RPC server.
 *
 * @since 0.1.0
 * @category options
 */
export interface RpcServeOptions extends ServeOptions {
  /** The largest encoded result, or chunk of a stream, in bytes. The caller of a larger one gets `TooLarge`. Default 1 MiB. */
  readonly maxResultBytes?: number
  /** Calls of one stream that run at a time; further ones are answered with a defect. Default 256. */
  readonly maxCalls?: number
}

const DEFAULT_MAX_CALLS = 256

/** Close codes of RFC 6455, section 7.4.1. */
const INVALID_DATA_CODE = 1_007
const TOO_BIG_CODE = 1_009

type ToServer = RpcMessage.FromClientEncoded
type ToClient = RpcMessage.FromServerEncoded

interface Client {
  readonly write: (response: ToClient) => Effect.Effect<void>
  /** The ids of calls without an exit. */
  readonly calls: Set<string | number>
}

/**
 * The `RpcServer.Protocol` of a protocol name: `RpcServer.layer(group)` on it answers the calls of every peer that is admitted. Handlers read
 * the caller from the header {@link PEER_HEADER}, or as `RemotePeer` with the middleware `Caller`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerServerProtocol = (
  options: RpcServeOptions,
): Layer.Layer<RpcServer.Protocol, PeerError, Peers | RpcSerialization.RpcSerialization> =>
  Layer.effect(RpcServer.Protocol, makeServerProtocol(options))

const makeServerProtocol = Effect.fnUntraced(function* ({
  maxCalls = DEFAULT_MAX_CALLS,
  maxResultBytes = DEFAULT_MAX_BYTES,
  ...options
}: RpcServeOptions) {
  const peers = yield* Peers
  const serialization = yield* RpcSerialization.RpcSerialization
  const encodeDefect = Schema.encodeSync(serialization.codecFor(Schema.Defect()))
  // As Effect's server answers a call that it does not know: whatever the schema of the call is, its caller can read a defect.
  const encodeDeath = Schema.encodeSync(
    serialization.codecFor(Schema.Exit(Schema.Never, Schema.Never, Schema.Defect())),
  ) as (exit: Exit.Exit<never>) => RpcMessage.ResponseExitEncoded["exit"]
  const disconnects = yield* Queue.make<number>()
  const clients = new Map<number, Client>()
  let nextId = 0
  let handleMessage: (clientId: number, message: ToServer) => Effect.Effect<void> = () => Effect.void

  const protocol = yield* RpcServer.Protocol.make((write) => {
    handleMessage = write
    return Effect.succeed({
      disconnects,
      send: (clientId, response) => clients.get(clientId)?.write(response) ?? Effect.void,
      end: () => Effect.void,
      clientIds: Effect.sync(() => new Set(clients.keys())),
      initialMessage: Effect.succeedNone,
      supportsAck: true,
      supportsTransferables: false,
      supportsSpanPropagation: true,
      supportsNotifications: true,
      codecFor: serialization.codecFor,
    })
  })

  const receive = Effect.fnUntraced(function* (peer: EndpointId.EndpointId, socket: Socket.Socket) {
    const id = nextId++
    const parser = serialization.makeUnsafe()
    const writer = yield* socket.writer
    yield* Effect.addFinalizer(() => {
      clients.delete(id)
      return Queue.offer(disconnects, id)
    })
    const calls = new Set<string | number>()
    const write = (response: ToClient): Effect.Effect<void> =>
      Effect.suspend(() => {
        const encoded = parser.encode(response)
        const isAnswer = response._tag === "Exit" || response._tag === "Chunk"
        // The server then ends the call with this defect, encoded as the call's schema wants it.
        if (isAnswer && encoded !== undefined && encoded.length > maxResultBytes) {
          return Effect.die(new ResultTooLarge(encoded.length, maxResultBytes))
        }
        if (response._tag === "Exit") calls.delete(response.requestId)
        // A client that is gone is not told: its disconnect is on the way.
        return encoded === undefined ? Effect.void : Effect.ignore(writer.write(encoded))
      })
    clients.set(id, { write, calls })
    const { pull } = yield* socket.reader
    for (;;) {
      for (const data of yield* pull) {
        let messages: ReadonlyArray<ToServer>
        try {
          messages = parser.decode(data).map((message) => checked(message, peer))
        } catch (cause) {
          if (isTooBig(cause)) return yield* writer.write(new Socket.CloseEvent(TOO_BIG_CODE))
          yield* write({ _tag: "Defect", defect: encodeDefect(cause) })
          return yield* writer.write(new Socket.CloseEvent(INVALID_DATA_CODE))
        }
        for (const message of messages) {
          if (message._tag !== "Request" || message.isNotification === true) {
            yield* handleMessage(id, message)
          } else if (calls.size < maxCalls) {
            calls.add(message.id)
            yield* handleMessage(id, message)
          } else {
            const error = new Error(`${maxCalls} calls of this stream are running; wait for one`)
            yield* write({ _tag: "Exit", requestId: message.id, exit: encodeDeath(Exit.die(error)) })
          }
        }
      }
    }
  })

  yield* peers.serve(options, ({ peer, socket }) =>
    receive(peer, socket).pipe(
      Effect.scoped,
      Effect.catchReason("SocketError", "SocketCloseError", () => Effect.void),
    ),
  )
  return protocol
})

/** The message with the caller's id; throws if it is none. JSON formats do not check what they decode. */
const checked = (message: unknown, peer: EndpointId.EndpointId): ToServer => {
  if (typeof message !== "object" || message === null || !("_tag" in message)) throw new TypeError("not a message")
  return withPeer(message as ToServer, peer)
}

/** A request with the caller's id as its last header and without any header of that name, in whatever case. */
export const withPeer = (message: ToServer, peer: EndpointId.EndpointId): ToServer => {
  if (message._tag !== "Request") return message
  const given: unknown = message.headers
  if (!Array.isArray(given) || !given.every(isPair)) throw new TypeError("headers: not a list of pairs")
  return {
    ...message,
    headers: [...given.filter(([name]) => name.toLowerCase() !== PEER_HEADER), [PEER_HEADER, peer]],
  }
}

const isPair = (pair: unknown): pair is [string, string] =>
  Array.isArray(pair) && pair.length === 2 && typeof pair[0] === "string" && typeof pair[1] === "string"

const isTooBig = (cause: unknown): boolean => /maximum size|maxFrameSize/.test(String(cause))
