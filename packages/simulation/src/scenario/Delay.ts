/**
 * Distributions of delays, as plain data: for links between nodes and for round trips to DHT nodes. A link has one delay,
 * which its two ends and the seed decide. The link model adds jitter for each packet.
 */

/** A distribution of delays in milliseconds. */
export type Delay =
  | { readonly _tag: "Constant"; readonly ms: number }
  | { readonly _tag: "Uniform"; readonly minMs: number; readonly maxMs: number }
  /** Most delays are short and some very long, as on the internet. `sigma` is the deviation of the logarithm. */
  | { readonly _tag: "LogNormal"; readonly medianMs: number; readonly sigma: number }
  | { readonly _tag: "Regions"; readonly regions: Regions }

/** The regions of the nodes, and the one-way delays between regions. */
export interface Regions {
  readonly names: ReadonlyArray<string>
  /** Share of the nodes in each region. The shares add up to 1. */
  readonly shares: ReadonlyArray<number>
  /** Milliseconds from region to region. */
  readonly ms: ReadonlyArray<ReadonlyArray<number>>
}

/** The delay (ms) for `chance`, a number drawn evenly from 0 to 1. `from` and `to` are regions; only "Regions" uses them. */
export const delayAt = (delay: Delay, chance: number, from: number, to: number): number => {
  switch (delay._tag) {
    case "Constant":
      return delay.ms
    case "Uniform":
      return delay.minMs + chance * (delay.maxMs - delay.minMs)
    case "LogNormal":
      return delay.medianMs * Math.exp(delay.sigma * normalQuantile(chance))
    case "Regions":
      return delay.regions.ms[from]![to]!
  }
}

/**
 * The time-out (ms) of a client that has measured many round trips of this distribution: the mean and four mean deviations
 * (RFC 6298). Not for regions.
 */
export const timeoutOf = (delay: Delay): number => {
  const delays = Array.from({ length: 100 }, (_, i) => delayAt(delay, (i + 0.5) / 100, 0, 0))
  const mean = delays.reduce((sum, each) => sum + each, 0) / delays.length
  const deviation = delays.reduce((sum, each) => sum + Math.abs(each - mean), 0) / delays.length
  return mean + 4 * deviation
}

/** The region of a node, given a number drawn evenly from 0 to 1. */
export const regionAt = (delay: Delay, chance: number): number => {
  if (delay._tag !== "Regions") return 0
  let sum = 0
  for (const [region, share] of delay.regions.shares.entries()) {
    sum += share
    if (chance < sum) return region
  }
  return delay.regions.shares.length - 1
}

/**
 * The standard normal distribution's quantile by Acklam's rational approximation (relative error below 1.2e-9). The tails are
 * cut at one in a million, so that no link takes for ever.
 */
const normalQuantile = (chance: number): number => {
  const p = Math.min(1 - 1e-6, Math.max(1e-6, chance))
  if (p > 1 - lowTail) return -tail(Math.sqrt(-2 * Math.log(1 - p)))
  if (p < lowTail) return tail(Math.sqrt(-2 * Math.log(p)))
  const q = p - 0.5
  const r = q * q
  return (polynomial(a, r) * q) / (polynomial(b, r) * r + 1)
}

const lowTail = 0.02425

const tail = (q: number): number => polynomial(c, q) / (polynomial(d, q) * q + 1)

const polynomial = (coefficients: ReadonlyArray<number>, x: number): number =>
  coefficients.reduce((sum, coefficient) => sum * x + coefficient, 0)

const a = [
  -3.969683028665376e1, 2.209460984245205e2, -2.759285104469687e2, 1.38357751867269e2, -3.066479806614716e1,
  2.506628277459239,
]
const b = [-5.447609879822406e1, 1.615858368580409e2, -1.556989798598866e2, 6.680131188771972e1, -1.328068155288572e1]
const c = [
  -7.784894002430293e-3, -3.223964580411365e-1, -2.400758277161838, -2.549732539343734, 4.374664141464968,
  2.938163982698783,
]
const d = [7.784695709041462e-3, 3.224671290700398e-1, 2.445134137142996, 3.754408661907416]
