/**
 * A look into another member's spans and metrics, by its key: Effect's DevTools messages over a peer stream. The member serves; each viewer
 * has a bounded queue, and a slow one loses the oldest spans. Off unless a program uses the layer, since spans hold what a program does.
 */
import type { EndpointId } from "@topic-tracker/crypto"
import { Context, Duration, Effect, Layer, Metric, Queue, Schema, Stream, Tracer } from "effect"
import { DevToolsSchema } from "effect/devtools"
import { Ndjson } from "effect/encoding"
import { Socket } from "effect/socket"
import type { PeerError } from "../PeerError.ts"
import { Peers } from "../Peers.ts"

/** The protocol of the streams. */
const PROTOCOL = "~devtools"

/** Messages that wait for one viewer. */
const CAPACITY = 1_024

const RequestSchema = Schema.toCodecJson(DevToolsSchema.Request)
const ResponseSchema = Schema.toCodecJson(DevToolsSchema.Response)

/**
 * The values that a viewer gets.
 *
 * @since 0.1.0
 * @category models
 */
export type DevToolsMessage = DevToolsSchema.Request.WithoutPing

/**
 * Options of {@link layerTracer}.
 *
 * @since 0.1.0
 * @category options
 */
export interface DevToolsOptions {
  /** The peers that may look. Spans hold names and attributes of everything that the program does, so there is no default. */
  readonly allow: (peer: EndpointId.EndpointId) => Effect.Effect<boolean>
}

/**
 * Lets peers that `allow` admits look into the spans and metrics of this program. It adds to the current tracer. Provide it to the parts of
 * the program that may be looked into.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerTracer = (options: DevToolsOptions): Layer.Layer<never, PeerError, Peers> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const peers = yield* Peers
      const viewers = new Set<Queue.Queue<DevToolsSchema.Request>>()
      yield* peers.serve({ protocol: PROTOCOL, allow: options.allow }, ({ socket }) => serveViewer(socket, viewers))
      const tracer = fanOut(yield* Effect.tracer, (message) => {
        for (const viewer of viewers) Queue.offerUnsafe(viewer, message)
      })
      return Context.make(Tracer.Tracer, tracer)
    }),
  )

const serveViewer = Effect.fnUntraced(function* (
  socket: Socket.Socket,
  viewers: Set<Queue.Queue<DevToolsSchema.Request>>,
) {
  const queue = yield* Queue.sliding<DevToolsSchema.Request>(CAPACITY)
  const services = yield* Effect.context<never>()
  viewers.add(queue)
  yield* Stream.fromQueue(queue).pipe(
    Stream.pipeThroughChannel(
      Ndjson.duplexSchemaString(Socket.toChannelString(socket), {
        inputSchema: RequestSchema,
        outputSchema: ResponseSchema,
      }),
    ),
    Stream.runForEach((response) =>
      Effect.sync(() => {
        if (response._tag === "MetricsRequest") {
          Queue.offerUnsafe(queue, { _tag: "MetricsSnapshot", metrics: Metric.snapshotUnsafe(services) })
        }
      }),
    ),
    Effect.ensuring(Effect.sync(() => viewers.delete(queue))),
  )
})

/** The tracer with a copy of each span, at its start and its end, and of its events. */
const fanOut = (tracer: Tracer.Tracer, send: (message: DevToolsSchema.Span | DevToolsSchema.SpanEvent) => void) =>
  Tracer.make({
    context: tracer.context,
    span: (options) => {
      const span = tracer.span(options)
      send(snapshotOf(span))
      const { end, event } = span
      span.event = (name, startTime, attributes) => {
        send({ _tag: "SpanEvent", traceId: span.traceId, spanId: span.spanId, name, startTime, attributes })
        event.call(span, name, startTime, attributes)
      }
      span.end = (endTime, exit) => {
        if (span.status._tag === "Ended") return
        end.call(span, endTime, exit)
        send(snapshotOf(span))
      }
      return span
    },
  })

const snapshotOf = (span: Tracer.Span): DevToolsSchema.Span => ({
  _tag: "Span",
  spanId: span.spanId,
  traceId: span.traceId,
  name: span.name,
  sampled: span.sampled,
  attributes: new Map(span.attributes),
  status: span.status,
  parent: span.parent,
})

/**
 * Options of {@link look}.
 *
 * @since 0.1.0
 * @category options
 */
export interface LookOptions {
  /** The time from one snapshot of the metrics to the next. The first comes at once. Default 5 s. */
  readonly metricsEvery?: Duration.Input
}

const METRICS_EVERY = Duration.seconds(5)

/**
 * The spans of a member from now on, and snapshots of its metrics. Fails with a PeerError, for example `Refused`; with a SocketError when the
 * stream ends; and with what the decoding says if the member sends something else.
 *
 * @since 0.1.0
 * @category operations
 */
export const look = (
  peer: EndpointId.EndpointId,
  { metricsEvery = METRICS_EVERY }: LookOptions = {},
): Stream.Stream<DevToolsMessage, PeerError | Socket.SocketError | Ndjson.NdjsonError | Schema.SchemaError, Peers> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const peers = yield* Peers
      const socket = yield* peers.connect(peer, { protocol: PROTOCOL })
      const requests = Stream.tick(metricsEvery).pipe(
        Stream.map((): DevToolsSchema.Response => ({ _tag: "MetricsRequest" })),
      )
      return requests.pipe(
        Stream.pipeThroughChannel(
          Ndjson.duplexSchemaString(Socket.toChannelString(socket), {
            inputSchema: ResponseSchema,
            outputSchema: RequestSchema,
          }),
        ),
        Stream.filter((request): request is DevToolsMessage => request._tag !== "Ping"),
      )
    }),
  )
