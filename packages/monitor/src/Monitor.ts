/**
 * A live page of the node in this process, on loopback: what it does, whom it knows, what it drops. It is read-only. The token in the page's URL
 * keeps other users of the host out; nothing outside of this host can reach it, and the page loads nothing from elsewhere.
 */
import {
  Dht,
  Gossip,
  LATENCY_BOUNDS_MS,
  type LatencyCounts,
  type MembersSource,
  type PeerPath,
  TopicTracker,
  type TopicView,
  TrackerMetrics,
} from "@topic-tracker/core"
import { Clock, Context, Effect, Layer, Logger, Metric, Option, Redacted, type Scope, Stream } from "effect"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import { MonitorError } from "./MonitorError.ts"
import type { Line, MembersState, MonitorState, TopicState } from "./MonitorState.ts"
import { layerMetrics } from "./metricsServer.ts"
import { LogLines, Recorder } from "./Recorder.ts"
import { servePage } from "./server.ts"
import { watchTopic } from "./TopicWatch.ts"

/**
 * Options of {@link Monitor.layer}.
 *
 * @since 0.1.0
 * @category options
 */
export interface MonitorOptions {
  /** The TCP port on 127.0.0.1. 0 takes any free one. Default: 8787. */
  readonly port?: number
}

/**
 * A running monitor.
 *
 * @since 0.1.0
 * @category models
 */
export interface MonitorService {
  /** The address of the page, with its token: whoever has it can see the page. */
  readonly url: Redacted.Redacted<string>
  /** The metrics in Prometheus's text format, with the same token. */
  readonly metricsUrl: Redacted.Redacted<string>
  /** What the page shows now. */
  readonly state: Effect.Effect<MonitorState>
}

const DEFAULT_PORT = 8787
const SAMPLE_EVERY = "1 second"

/**
 * The monitor of the node that the layer below has.
 *
 * @since 0.1.0
 * @category services
 */
export class Monitor extends Context.Service<Monitor, MonitorService>()("@topic-tracker/monitor/Monitor") {
  /**
   * Serves the page until the layer ends, and shows the log of the program above it; that of the node too, if {@link layerLog} is below the
   * node. Fails if the port is in use.
   *
   * @since 0.1.0
   * @example
   * ```ts
   * const node = Monitor.layer({ port: 8787 }).pipe(Layer.provideMerge(TopicTracker.layer()))
   * ```
   */
  static readonly layer = (
    options: MonitorOptions = {},
  ): Layer.Layer<Monitor, MonitorError, TopicTracker | Dht | Gossip> =>
    Layer.unwrap(
      Effect.gen(function* () {
        const below = yield* Effect.serviceOption(MonitorLog)
        const monitor = (log: MonitorLog["Service"]) =>
          Layer.effect(Monitor, makeMonitor(log, options.port ?? DEFAULT_PORT))
        if (Option.isSome(below)) return monitor(below.value)
        const own = new LogLines()
        return Layer.merge(monitor(own), logLayer(own))
      }),
    )

  /**
   * Serves the metrics of this process at `/metrics` on this port of 127.0.0.1, in Prometheus's text format, without a token: for
   * Prometheus on the same host. `TrackerMetrics.layer()` makes the metrics of a node. Fails if the port is in use.
   *
   * @since 0.1.0
   * @example
   * ```ts
   * const node = Layer.merge(Monitor.layerMetrics({ port: 9464 }), TrackerMetrics.layer()).pipe(Layer.provideMerge(TopicTracker.layer()))
   * ```
   */
  static readonly layerMetrics: (options: { readonly port: number }) => Layer.Layer<never, MonitorError> = layerMetrics

  /**
   * Keeps the lines of the log of all above it for the page, in addition to the loggers that are there.
   *
   * @since 0.1.0
   * @example
   * ```ts
   * const node = Monitor.layer().pipe(Layer.provideMerge(TopicTracker.layer()), Layer.provideMerge(Monitor.layerLog()))
   * ```
   */
  static readonly layerLog = (): Layer.Layer<MonitorLog> =>
    Layer.unwrap(
      Effect.sync(() => {
        const log = new LogLines()
        return Layer.merge(Layer.succeed(MonitorLog, log), logLayer(log))
      }),
    )
}

/**
 * The lines of the log that {@link Monitor.layerLog} keeps for the page.
 *
 * @since 0.1.0
 * @category services
 */
export class MonitorLog extends Context.Service<MonitorLog, { readonly lines: ReadonlyArray<Line> }>()(
  "@topic-tracker/monitor/MonitorLog",
) {}

const logLayer = (log: LogLines): Layer.Layer<never> => Logger.layer([loggerOf(log)], { mergeWithExisting: true })

const loggerOf = (log: LogLines): Logger.Logger<unknown, void> =>
  Logger.make(({ date, logLevel, message }) => {
    const level = ["Warn", "Error", "Fatal"].includes(logLevel) ? "bad" : "info"
    const text = [message]
      .flat()
      .map((part) => (typeof part === "string" ? part : JSON.stringify(part)))
      .join(" ")
    log.add({ at: date.getTime(), level, text })
  })

const MAX_MEMBERS = 100

const membersState = (source: MembersSource, changes: ReadonlyArray<Line>): Effect.Effect<MembersState> =>
  Effect.map(Effect.all([source.counts, source.first(MAX_MEMBERS)]), ([{ members, suspected }, first]) => ({
    count: members,
    suspected,
    first,
    changes,
  }))

/** The times of all acknowledgements of the process, which its metrics have. Effect's buckets have those below them too. */
const acknowledgements = Effect.map(
  Metric.value(TrackerMetrics.acknowledgeDuration),
  ({ buckets, count, max, min, sum }): LatencyCounts => ({
    counts: [...buckets.map(([, below], i) => below - (buckets[i - 1]?.[1] ?? 0)), count - (buckets.at(-1)?.[1] ?? 0)],
    count,
    sum,
    min,
    max,
  }),
)

const makeMonitor = Effect.fnUntraced(function* (
  log: MonitorLog["Service"],
  port: number,
): Effect.fn.Return<MonitorService, MonitorError, TopicTracker | Dht | Gossip | Scope.Scope> {
  const tracker = yield* TopicTracker
  const dht = yield* Dht
  const gossip = yield* Gossip
  const recorder = new Recorder()
  const startedAt = yield* Clock.currentTimeMillis

  const sample = Effect.gen(function* () {
    const latencies = { ...(yield* gossip.latencies), acknowledged: yield* acknowledgements }
    const counters = { dht: yield* dht.stats, gossip: yield* gossip.stats, latencies }
    recorder.addSample(counters, yield* gossip.paths, yield* Clock.currentTimeMillis)
  })

  const topicState = Effect.fnUntraced(function* (view: TopicView, paths: ReadonlyMap<string, PeerPath>) {
    const neighbors = yield* view.neighbors
    recorder.forgetRefusals(view.id.hex, neighbors)
    const { joinedMs, lines, memberChanges } = recorder.timelineOf(view.id.hex)
    const source = yield* view.members
    const state: TopicState = {
      id: view.id.hex,
      name: view.name,
      access: view.access,
      neighbors: [...neighbors].map((peer) => ({ peer, path: paths.get(peer) })),
      links: [...(yield* view.links)],
      timeline: lines,
      members: source === undefined ? undefined : yield* membersState(source, memberChanges),
      joinedMs,
      counters: { ...(yield* view.stats), ...(yield* view.records) },
    }
    return state
  })

  const state = Effect.gen(function* () {
    // The endpoint may not be bound yet; the page does not wait.
    const address = yield* gossip.address.pipe(
      Effect.timeoutOrElse({ duration: 100, orElse: () => Effect.succeed({ direct: [], relayUrl: undefined }) }),
    )
    const paths = new Map((yield* gossip.paths).map((path) => [path.peer, path]))
    const current: MonitorState = {
      endpointId: tracker.endpointId,
      startedAt,
      now: yield* Clock.currentTimeMillis,
      addresses: address.direct,
      relay: address.relayUrl,
      dht: { ...(yield* dht.stats) },
      gossip: { ...(yield* gossip.stats) },
      topics: yield* Effect.forEach(yield* tracker.views, (view) => topicState(view, paths)),
      latencies: recorder.latencies,
      latencyBoundsMs: LATENCY_BOUNDS_MS,
      unacknowledged: (yield* Metric.value(TrackerMetrics.unacknowledged)).count,
      samples: recorder.samples,
      log: log.lines,
    }
    return current
  })

  // It follows each topic as long as it is open.
  yield* Effect.forkScoped(Stream.runForEach(tracker.opened, (view) => Effect.forkScoped(watchTopic(view, recorder))))
  yield* sample
  yield* Effect.forkScoped(Effect.forever(Effect.delay(sample, SAMPLE_EVERY)))
  const { metricsUrl, url } = yield* servePage({ port, state, metrics: PrometheusMetrics.format() }).pipe(
    Effect.mapError((message) => new MonitorError({ message })),
  )
  return { url: Redacted.make(url), metricsUrl: Redacted.make(metricsUrl), state }
})
