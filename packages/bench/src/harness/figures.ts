/** Samples to figures. */

export interface Figure {
  readonly min: number
  readonly median: number
  readonly max: number
  readonly samples: number
}

/** The least, the middle and the greatest of the samples; NaN when there are none. */
export const summary = (samples: ReadonlyArray<number>): Figure => ({
  min: quantile(samples, 0),
  median: quantile(samples, 0.5),
  max: quantile(samples, 1),
  samples: samples.length,
})

/** The sample below which the share `q` (0 to 1) of all lies. */
export const quantile = (samples: ReadonlyArray<number>, q: number): number => {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.round(q * (sorted.length - 1))] ?? Number.NaN
}

export const median = (samples: ReadonlyArray<number>): number => quantile(samples, 0.5)

/** Three significant digits, so that a difference that means nothing does not show. */
export const shown = (value: number): string => {
  if (!Number.isFinite(value)) return "–"
  const digits = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)))
  return digits >= 2 ? Math.round(value).toLocaleString("en-US") : value.toFixed(Math.min(3, Math.max(0, 2 - digits)))
}
