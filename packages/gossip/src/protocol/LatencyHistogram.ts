/**
 * Counts of times in buckets, each twice as wide as the one before: what a node can say of its latencies in constant memory. Plain numbers, without
 * a clock: the caller measures. It has the form of a histogram of Prometheus.
 */

const FIRST_MS = 0.25
const BUCKETS = 17

/**
 * The upper bounds of the buckets in ms: 0.25, 0.5, 1 … 16,384. Longer times are in one more bucket.
 *
 * @since 0.1.0
 * @category constants
 */
export const LATENCY_BOUNDS_MS: ReadonlyArray<number> = Array.from({ length: BUCKETS }, (_, i) => FIRST_MS * 2 ** i)

/**
 * Times that were measured, in ms.
 *
 * @since 0.1.0
 * @category models
 */
export interface LatencyCounts {
  /** How many fell into each bucket of {@link LATENCY_BOUNDS_MS}, and at the end how many were longer than all. */
  readonly counts: ReadonlyArray<number>
  readonly count: number
  readonly sum: number
  /** The shortest and the longest; 0 if there is none. */
  readonly min: number
  readonly max: number
}

/**
 * Counts times into buckets.
 *
 * @since 0.1.0
 * @category models
 */
export class LatencyHistogram {
  readonly #counts = new Array<number>(BUCKETS + 1).fill(0)
  #count = 0
  #sum = 0
  #min = Number.POSITIVE_INFINITY
  #max = 0

  /** Adds a time in ms; one below 0 counts as 0. */
  add(ms: number): void {
    const time = Math.max(0, ms)
    const place = time <= FIRST_MS ? 0 : Math.min(BUCKETS, Math.ceil(Math.log2(time / FIRST_MS)))
    this.#counts[place]!++
    this.#count++
    this.#sum += time
    if (time < this.#min) this.#min = time
    if (time > this.#max) this.#max = time
  }

  /** The times so far. */
  get now(): LatencyCounts {
    const [count, sum, max] = [this.#count, this.#sum, this.#max]
    return { counts: [...this.#counts], count, sum, min: count === 0 ? 0 : this.#min, max }
  }
}

/**
 * The times of both together.
 *
 * @since 0.1.0
 * @category operations
 */
export const addLatencies = (a: LatencyCounts, b: LatencyCounts): LatencyCounts => ({
  counts: a.counts.map((count, i) => count + b.counts[i]!),
  count: a.count + b.count,
  sum: a.sum + b.sum,
  min: a.count === 0 ? b.min : b.count === 0 ? a.min : Math.min(a.min, b.min),
  max: Math.max(a.max, b.max),
})
