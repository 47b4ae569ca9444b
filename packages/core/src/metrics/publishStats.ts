/**
 * Publishes plain counters as Effect's metrics. The owner of the counters counts in plain numbers, which costs nothing. The metrics are
 * computed when an exporter collects them. Several owners in one process, such as several nodes, add up.
 */
import { type Context, Effect, Metric, type Scope } from "effect"
import { readerOf, Series, seriesOf } from "./Series.ts"

/**
 * A metric that shows one of the counters.
 *
 * @since 0.1.0
 * @category models
 */
export interface StatMetric {
  readonly type: "counter" | "gauge"
  readonly name: string
  readonly description: string
}

/**
 * Only goes up.
 *
 * @since 0.1.0
 * @category metrics
 */
export const counter = (name: string, description: string): StatMetric => ({ type: "counter", name, description })

/**
 * Goes up and down.
 *
 * @since 0.1.0
 * @category metrics
 */
export const gauge = (name: string, description: string): StatMetric => ({ type: "gauge", name, description })

const sum = (a: number, b: number): number => a + b

const seriesOfStat = (context: Context.Context<never>, { description, name, type }: StatMetric): Series<number> =>
  seriesOf(context, name, () => {
    const made = new Series(0, sum)
    const ignored = { update: () => {}, modify: () => {} }
    if (type === "counter") {
      const metric = Metric.counter(name, { description, incremental: true })
      Metric.registerUnsafe(metric, context, { get: () => ({ count: made.total, incremental: true }), ...ignored })
    } else {
      Metric.registerUnsafe(Metric.gauge(name, { description }), context, {
        get: () => ({ value: made.total }),
        ...ignored,
      })
    }
    return made
  })

/**
 * Publishes the counters until the Scope closes; counters then keep their last value, and gauges lose the part of this owner.
 * `stats` must be synchronous. The attributes are those of `Metric.CurrentMetricAttributes`.
 *
 * @since 0.1.0
 * @category metrics
 */
export const publishStats = <Name extends string>(
  metrics: Readonly<Record<Name, StatMetric>>,
  stats: Effect.Effect<Readonly<Record<Name, number>>>,
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.contextWith((context: Context.Context<Scope.Scope>) => {
    const entries = Object.entries<StatMetric>(metrics).map(([name, metric]) => {
      const value = Effect.map(stats, (all) => all[name as Name])
      const read = readerOf(value, 0)
      return { isCounter: metric.type === "counter", read, series: seriesOfStat(context, metric) }
    })
    const publish = Effect.sync(() => {
      for (const { read, series } of entries) series.live.add(read)
    })
    return Effect.acquireRelease(publish, () =>
      Effect.sync(() => {
        for (const { isCounter, read, series } of entries) series.end(read, isCounter)
      }),
    )
  })
