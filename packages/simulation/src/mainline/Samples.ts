/** Samples of several figures by name, and their quantiles. */
import { quantile } from "../world/distribution.ts"

export interface Quantiles {
  readonly count: number
  readonly p50: number
  readonly p95: number
  readonly max: number
}

/** Figures in the order in which they were first added. */
export class Samples {
  readonly #values = new Map<string, Array<number>>()

  add(figure: string, value: number | undefined): void {
    if (value === undefined) return
    const values = this.#values.get(figure)
    if (values === undefined) this.#values.set(figure, [value])
    else values.push(value)
  }

  /** One more of something that is only counted. */
  count(figure: string, isOne: boolean): void {
    this.add(figure, isOne ? 1 : 0)
  }

  /** The samples of a figure. */
  of(figure: string): ReadonlyArray<number> {
    return this.#values.get(figure) ?? []
  }

  /** The mean of a figure: a share, if its samples are 0 or 1. NaN if there are none. */
  mean(figure: string): number {
    const values = this.of(figure)
    return values.reduce((sum, value) => sum + value, 0) / values.length
  }

  quantiles(figure: string): Quantiles {
    const sorted = Float64Array.from(this.of(figure)).sort()
    return {
      count: sorted.length,
      p50: quantile(sorted, 0.5),
      p95: quantile(sorted, 0.95),
      max: sorted.at(-1) ?? 0,
    }
  }
}
