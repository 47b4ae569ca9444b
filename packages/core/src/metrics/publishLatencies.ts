/** Publishes histograms of times that are counted in plain numbers as Effect's metrics: they are computed when an exporter collects them. */
import { addLatencies, LATENCY_BOUNDS_MS, type LatencyCounts, LatencyHistogram } from "@topic-tracker/gossip"
import { Effect, Metric, type Scope } from "effect"
import { readerOf, Series, seriesOf } from "./Series.ts"

/** A histogram of times that this function publishes: its name, its description, and its times now. */
export interface LatencyMetric {
  readonly name: string
  readonly description: string
  /** Must be synchronous. */
  readonly read: Effect.Effect<LatencyCounts>
}

const NONE = new LatencyHistogram().now

/** The form of Effect's histograms: each bucket has those below it too. */
const toState = ({ count, counts, max, min, sum }: LatencyCounts): Metric.HistogramState => {
  let below = 0
  const buckets = LATENCY_BOUNDS_MS.map((bound, i): [number, number] => {
    below += counts[i]!
    return [bound, below]
  })
  return { buckets, count, min, max, sum }
}

/** Publishes the histogram until the Scope closes; its times then still count. */
export const publishLatencies = ({ description, name, read }: LatencyMetric): Effect.Effect<void, never, Scope.Scope> =>
  Effect.contextWith((context) => {
    const series = seriesOf(context, name, () => {
      const made = new Series(NONE, addLatencies)
      const metric = Metric.timer(name, { description, boundaries: LATENCY_BOUNDS_MS })
      Metric.registerUnsafe(metric, context, { get: () => toState(made.total), update: () => {}, modify: () => {} })
      return made
    })
    const readNow = readerOf(read, NONE)
    const publish = Effect.sync(() => series.live.add(readNow))
    return Effect.asVoid(Effect.acquireRelease(publish, () => Effect.sync(() => series.end(readNow, true))))
  })
