/** Summaries of many measured values: quantiles, mean and maximum. */

/**
 * Parts of a distribution of times, in ms.
 *
 * @since 0.1.0
 * @category models
 */
export interface Spans {
  readonly count: number
  readonly mean: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly max: number
}

/** The summary of the values; zeros if there are none. */
export const spansOf = (values: ReadonlyArray<number>): Spans => {
  const sorted = Float64Array.from(values).sort()
  return {
    count: sorted.length,
    mean: sorted.length === 0 ? 0 : sorted.reduce((sum, value) => sum + value, 0) / sorted.length,
    p50: quantile(sorted, 0.5),
    p95: quantile(sorted, 0.95),
    p99: quantile(sorted, 0.99),
    max: sorted.at(-1) ?? 0,
  }
}

/** The mean; 0 if there are no values. */
export const meanOf = (values: ReadonlyArray<number>): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)

/** The least of the sorted values that at least this share of the values does not exceed; 0 if there are no values. */
export const quantile = (sorted: Float64Array, share: number): number =>
  sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0
