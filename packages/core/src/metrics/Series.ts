/**
 * Metrics whose values several owners have, such as the nodes of one process: they add up, and are read when an exporter collects them.
 */
import { Context, Effect, Exit, Metric } from "effect"

/** The state that all owners of one series share. */
export class Series<A> {
  /** The values of the owners that are still there. */
  readonly live = new Set<() => A>()
  readonly #add: (a: A, b: A) => A
  /** The sum of the owners that are gone. */
  #ended: A

  constructor(none: A, add: (a: A, b: A) => A) {
    this.#ended = none
    this.#add = add
  }

  get total(): A {
    let total = this.#ended
    for (const read of this.live) total = this.#add(total, read())
    return total
  }

  /** Removes an owner. `isKept`: its last value still counts. */
  end(read: () => A, isKept: boolean): void {
    if (this.live.delete(read) && isKept) this.#ended = this.#add(this.#ended, read())
  }
}

/** Reads a value of an owner, which is synchronous: the last one, or `first`, if it fails. */
export const readerOf = <A>(value: Effect.Effect<A>, first: A): (() => A) => {
  let last = first
  return () => {
    const exit = Effect.runSyncExit(value)
    if (Exit.isSuccess(exit)) last = exit.value
    return last
  }
}

/** By registry, then by name and attributes. */
const allSeries = new WeakMap<object, Map<string, Series<unknown>>>()

/** The series of this name with the attributes of the context. `make` makes and registers it, once. One name has one type of values. */
export const seriesOf = <A>(context: Context.Context<never>, name: string, make: () => Series<A>): Series<A> => {
  const registry = Context.get(context, Metric.MetricRegistry)
  const series = allSeries.get(registry) ?? new Map<string, Series<unknown>>()
  allSeries.set(registry, series)
  const attributes = Object.entries(Context.get(context, Metric.CurrentMetricAttributes)).sort()
  const key = JSON.stringify([name, attributes])
  const known = series.get(key)
  // A name has one maker, so the values have its type.
  if (known !== undefined) return known as Series<A>
  const made = make()
  series.set(key, made as Series<unknown>)
  return made
}
