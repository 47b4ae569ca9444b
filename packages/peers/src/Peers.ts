/**
 * The service of peer streams: opens them to the peers of a topic, serves protocols to them, and ends them with the topic. The streams
 * themselves are below, in `streams`.
 */
import { toHex } from "@topic-tracker/common/Bytes"
import type { PeerLink, TopicError } from "@topic-tracker/core"
import type { EndpointId } from "@topic-tracker/crypto"
import { Cause, Context, Deferred, Duration, Effect, Exit, Fiber, Layer, type Scope } from "effect"
import { Socket } from "effect/socket"
import { checkPeer, checkProtocol } from "./checkArguments.ts"
import { errorOf } from "./errorOf.ts"
import { PeerError } from "./PeerError.ts"
import { endStream, fromStream, redialling } from "./peerSocket.ts"
import { RemotePeer } from "./RemotePeer.ts"
import type { FramedStream } from "./streams/FramedStream.ts"
import type { HubCounters } from "./streams/PeerHub.ts"
import type { OpenFailure, PeerLine, ServedProtocol } from "./streams/PeerLine.ts"
import { type PeersLimitsInput, resolveLimits } from "./streams/PeersLimits.ts"
import { sharedHub } from "./streams/sharedHub.ts"

/**
 * Options of a stream to a peer.
 *
 * @since 0.1.0
 * @category options
 */
export interface ConnectOptions {
  /** The protocol that the peer serves: 1 to 64 bytes of UTF-8. Names that begin with "~" are those of this project's packages. */
  readonly protocol: string
  /** The time until the peer has answered. Default 10 s. */
  readonly timeout?: Duration.Input
}

/**
 * Options of a served protocol.
 *
 * @since 0.1.0
 * @category options
 */
export interface ServeOptions {
  /** 1 to 64 bytes of UTF-8. */
  readonly protocol: string
  /** Whether the peer may use this protocol. It has 1 s. Default: every peer that `allow` of {@link PeersOptions} admits. */
  readonly allow?: (peer: EndpointId.EndpointId) => Effect.Effect<boolean>
}

/**
 * A stream that a peer opened.
 *
 * @since 0.1.0
 * @category models
 */
export interface PeerSocket {
  /** The peer's endpoint id, which QUIC proved. */
  readonly peer: EndpointId.EndpointId
  readonly socket: Socket.Socket
}

/**
 * The part of a topic that peer streams need: any joined `Topic` has it.
 *
 * @since 0.1.0
 * @category models
 */
export interface PeersTopic {
  readonly peerLink: Effect.Effect<
    Pick<PeerLink, "endpointId" | "connections" | "gossipTopic" | "door" | "admits" | "onExcluded" | "ended">,
    TopicError
  >
}

/**
 * Options of {@link Peers.make}.
 *
 * @since 0.1.0
 * @category options
 */
export interface PeersOptions {
  /**
   * Whether a peer may open streams to this node. It has 1 s. In a members-only topic the default is every
   * proven member that the topic's own `allow` admits. In a topic that is
   * open to everybody with its name there is no default: without it all streams of others are refused.
   */
  readonly allow?: (peer: EndpointId.EndpointId) => Effect.Effect<boolean>
  readonly limits?: PeersLimitsInput
}

/**
 * Counters of the peer streams of a node, since its first Peers.
 *
 * @since 0.1.0
 * @category models
 */
export interface PeersStats extends Readonly<HubCounters> {
  readonly connections: number
}

/**
 * The service {@link Peers}.
 *
 * @since 0.1.0
 * @category models
 */
export interface PeersService {
  /** The id of this node. */
  readonly endpointId: EndpointId.EndpointId
  /**
   * Opens a stream to the peer, by its key alone, and waits for its answer. The stream ends with the scope. The reader of the socket can be
   * acquired once; `write` waits for the peer when 64 KiB to 1 MiB are on their way. Fails with `UnknownMember`, `NotInTopic`, `NotAMember`,
   * `Refused`, `NotServed`, `Unreachable`, `TooManyStreams`, `TimedOut`, `Left`, `Closed` or `InvalidArgument`.
   */
  readonly connect: (
    peer: EndpointId.EndpointId,
    options: ConnectOptions,
  ) => Effect.Effect<Socket.Socket, PeerError, Scope.Scope>
  /**
   * A socket that opens a stream at each acquisition of its reader, so that `Effect.retry` around it reconnects. A PeerError is the cause of
   * its `SocketOpenError`.
   */
  readonly socket: (peer: EndpointId.EndpointId, options: ConnectOptions) => Socket.Socket
  /**
   * Serves a protocol until the scope closes: each stream of a peer that is admitted runs the handler in a fiber of its own. When it succeeds
   * the stream closes with 1000; when it fails the peer's reader gets 1011. Fails with `Closed`, and with `InvalidArgument` if the protocol is
   * served already.
   */
  readonly serve: <E, R>(
    options: ServeOptions,
    handler: (peer: PeerSocket) => Effect.Effect<unknown, E, R>,
  ) => Effect.Effect<void, PeerError, Exclude<R, RemotePeer> | Scope.Scope>
  readonly stats: Effect.Effect<PeersStats>
}

/**
 * Streams to and from the peers of one topic. It ends when its scope closes, and when the topic is left or suspended.
 *
 * @since 0.1.0
 * @category services
 */
export class Peers extends Context.Service<Peers, PeersService>()("@topic-tracker/peers/Peers") {
  /**
   * The peer streams of a topic until the scope closes. Fails with `Closed` if the topic was left or is suspended, and with `InvalidArgument`.
   *
   * @since 0.1.0
   * @example
   * ```ts
   * const peers = yield* Peers.make(topic)
   * const socket = yield* peers.connect(peer, { protocol: "echo" })
   * ```
   */
  static readonly make = (
    topic: PeersTopic,
    options: PeersOptions = {},
  ): Effect.Effect<PeersService, PeerError, Scope.Scope> => makePeers(topic, options)

  /**
   * {@link make} as a layer.
   *
   * @since 0.1.0
   */
  static readonly layer = (topic: PeersTopic, options: PeersOptions = {}): Layer.Layer<Peers, PeerError> =>
    Layer.effect(Peers, makePeers(topic, options))
}

type Allow = NonNullable<PeersOptions["allow"]>

const DEFAULT_TIMEOUT = Duration.seconds(10)

/** `allow` has this time; a peer that waits longer is refused. */
const ALLOW_TIMEOUT = Duration.seconds(1)

const makePeers = Effect.fnUntraced(function* (
  topic: PeersTopic,
  options: PeersOptions,
): Effect.fn.Return<PeersService, PeerError, Scope.Scope> {
  const link = yield* Effect.mapError(topic.peerLink, ({ message }) => new PeerError({ reason: "Closed", message }))
  const hub = yield* sharedHub(link.endpointId, link.connections, yield* resolveLimits(options.limits))
  const scope = yield* Effect.scope
  const run = Effect.runForkWith(yield* Effect.context())
  const fork = (effect: Effect.Effect<unknown>): void => void Fiber.runIn(run(effect), scope)

  const toAsk = (allow: PeersOptions["allow"]): ServedProtocol["allow"] =>
    allow &&
    ((peer, answer) =>
      fork(
        Effect.suspend(() => allow(peer)).pipe(
          Effect.timeoutOrElse({ duration: ALLOW_TIMEOUT, orElse: () => Effect.succeed(false) }),
          Effect.exit,
          Effect.map((exit) => answer(Exit.isSuccess(exit) && exit.value)),
        ),
      ))

  const line: PeerLine = {
    key: toHex(link.gossipTopic),
    topic: link.gossipTopic,
    door: link.door,
    // A members-only topic has an `allow` of its own, which may leave out streams.
    allow: toAsk(link.door === undefined ? options.allow : both(link.admits, options.allow)),
    served: new Map(),
  }
  const left = Deferred.makeUnsafe<never, PeerError>()
  let isClosed = false
  const end = (message: string): void => {
    if (isClosed) return
    isClosed = true
    Deferred.doneUnsafe(left, Effect.fail(new PeerError({ reason: "Left", message })))
    hub.removeLine(line)
  }
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      hub.addLine(line)
      return link.onExcluded((exclusion) => hub.exclude(line, exclusion))
    }),
    (stopListening) =>
      Effect.sync(() => {
        stopListening()
        end("the peer streams of the topic were closed")
      }),
  )
  yield* Effect.forkScoped(
    Effect.andThen(
      link.ended,
      Effect.sync(() => end("the topic was left or suspended")),
    ),
  )

  const checkOpen = Effect.suspend(() =>
    isClosed
      ? Effect.fail(new PeerError({ reason: "Closed", message: "the topic was left or suspended; make Peers anew" }))
      : Effect.void,
  )

  /** The stream is the caller's: it must end it. */
  const open = (peer: EndpointId.EndpointId, { protocol, timeout = DEFAULT_TIMEOUT }: ConnectOptions) =>
    Effect.gen(function* () {
      yield* checkOpen
      yield* checkProtocol(protocol)
      yield* checkPeer(peer, link.endpointId)
      let stage = (): string => "a connection"
      const fail = (failure: OpenFailure) => errorOf(peer, failure, protocol)
      const opening = Effect.callback<FramedStream, PeerError>((resume) => {
        let opened: FramedStream | undefined
        const attempt = hub.open(line, peer, protocol, (result) => {
          if ("reason" in result) resume(Effect.fail(fail(result)))
          else {
            opened = result
            resume(Effect.succeed(result))
          }
        })
        stage = attempt.stage
        return Effect.sync(() => {
          attempt.cancel()
          opened?.reset(1_001)
        })
      })
      return yield* opening.pipe(
        Effect.raceFirst(Effect.mapError(Deferred.await(left), ({ message, reason }) => fail({ message, reason }))),
        Effect.timeoutOrElse({
          duration: timeout,
          orElse: () =>
            Effect.fail(fail({ reason: "TimedOut", message: `not open in time; still missing: ${stage()}` })),
        }),
      )
    }).pipe(
      Effect.withSpan(
        "Peers.open",
        { kind: "client", attributes: { "peer.id": peer, "peer.protocol": protocol } },
        { captureStackTrace: false },
      ),
    )

  const openScoped = (peer: EndpointId.EndpointId, connectOptions: ConnectOptions) =>
    Effect.acquireRelease(open(peer, connectOptions), endStream, { interruptible: true })

  const serve = Effect.fnUntraced(function* <E, R>(
    { allow, protocol }: ServeOptions,
    handler: (peer: PeerSocket) => Effect.Effect<unknown, E, R>,
  ): Effect.fn.Return<void, PeerError, Exclude<R, RemotePeer> | Scope.Scope> {
    yield* checkOpen
    yield* checkProtocol(protocol)
    if (line.served.has(protocol)) {
      const message = `protocol: ${protocol} is served already; serve it once`
      return yield* new PeerError({ reason: "InvalidArgument", protocol, message })
    }
    if (link.door === undefined && options.allow === undefined) {
      yield* Effect.logWarning(
        `protocol ${protocol}: the topic is open to everybody with its name, and Peers has no option \`allow\`: all streams are refused`,
      ).pipe(Effect.annotateLogs({ package: "@topic-tracker/peers" }))
    }
    const serveScope = yield* Effect.scope
    const runHandler = Effect.runForkWith(yield* Effect.context<Exclude<R, RemotePeer> | Scope.Scope>())
    const handle = (peer: EndpointId.EndpointId, stream: FramedStream) =>
      Effect.suspend(() => handler({ peer, socket: fromStream(stream) })).pipe(
        Effect.provideService(RemotePeer, peer),
        Effect.onExit((exit) => endStream(stream, exit)),
        Effect.catchCause((cause) =>
          isOrdinaryEnd(cause)
            ? Effect.void
            : Effect.logWarning(`the handler of the protocol ${protocol} failed`, cause).pipe(
                Effect.annotateLogs({ package: "@topic-tracker/peers", peer }),
              ),
        ),
      ) as Effect.Effect<void, never, Exclude<R, RemotePeer> | Scope.Scope>
    yield* Effect.acquireRelease(
      Effect.sync(() =>
        line.served.set(protocol, {
          allow: toAsk(allow),
          accept: (peer, stream) => void Fiber.runIn(runHandler(handle(peer, stream)), serveScope),
        }),
      ),
      () => Effect.sync(() => line.served.delete(protocol)),
    )
  })

  return {
    endpointId: link.endpointId,
    connect: (peer, connectOptions) => Effect.map(openScoped(peer, connectOptions), fromStream),
    socket: (peer, connectOptions) => redialling(openScoped(peer, connectOptions)),
    serve,
    stats: Effect.sync(() => ({ ...hub.counters, connections: hub.connectionCount })),
  }
})

const both =
  (first: Allow, second: Allow | undefined): Allow =>
  (peer) =>
    Effect.flatMap(first(peer), (isAdmitted) =>
      isAdmitted && second !== undefined ? second(peer) : Effect.succeed(isAdmitted),
    )

/** The peer closed, or the handler was interrupted because its protocol is not served any more. */
const isOrdinaryEnd = (cause: Cause.Cause<unknown>): boolean =>
  Cause.hasInterruptsOnly(cause) ||
  cause.reasons.every((reason) => reason._tag === "Fail" && Socket.isSocketError(reason.error))
