/** How fast a figure grows. */

/** A figure at a time in ms. */
export interface Sample {
  readonly at: number
  readonly value: number
}

/** The slope of the line that fits the samples best (least squares), per ms. 0 below two samples. */
export const slope = (samples: ReadonlyArray<Sample>): number => {
  const count = samples.length
  if (count < 2) return 0
  const meanAt = samples.reduce((sum, { at }) => sum + at, 0) / count
  const meanValue = samples.reduce((sum, { value }) => sum + value, 0) / count
  let above = 0
  let below = 0
  for (const { at, value } of samples) {
    above += (at - meanAt) * (value - meanValue)
    below += (at - meanAt) ** 2
  }
  return below === 0 ? 0 : above / below
}

export const median = (values: ReadonlyArray<number>): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
