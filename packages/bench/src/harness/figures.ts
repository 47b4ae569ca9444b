/** Figures from samples, and figures as text. */

export interface Figure {
  readonly min: number
  readonly median: number
  readonly max: number
  readonly samples: number
}

/** Minimum, median and maximum of the samples; NaN if there are none. */
export const summary = (samples: ReadonlyArray<number>): Figure => ({
  min: quantile(samples, 0),
  median: quantile(samples, 0.5),
  max: quantile(samples, 1),
  samples: samples.length,
})

/** The sample at the share `q` (0 to 1) of the sorted samples. */
export const quantile = (samples: ReadonlyArray<number>, q: number): number => {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.round(q * (sorted.length - 1))] ?? Number.NaN
}

export const median = (samples: ReadonlyArray<number>): number => quantile(samples, 0.5)

/** Three significant digits: further digits of a measurement mean nothing. */
export const formatFigure = (value: number): string => {
  if (!Number.isFinite(value)) return "–"
  const digits = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)))
  return digits >= 2 ? Math.round(value).toLocaleString("en-US") : value.toFixed(Math.min(3, Math.max(0, 2 - digits)))
}
