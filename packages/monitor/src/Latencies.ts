/**
 * The latencies that the page shows: from histograms that only grow, percentiles of the last seconds and the distribution of the last five minutes. It knows
 * no service and no clock.
 */
import { LATENCY_BOUNDS_MS, type LatencyCounts, LatencyHistogram } from "@topic-tracker/core"
import type { LatencyState, Percentiles } from "./MonitorState.ts"

/** The percentiles of a sample are those of so many seconds: one second of a quiet topic has no message. */
const WINDOW_SECONDS = 15
const MAX_SECONDS = 300

type Counts = ReadonlyArray<number>

const NONE: Counts = new LatencyHistogram().now.counts

/** The times of one kind. */
class LatencyWindow {
  /** The counts of each second, the oldest first, each with those of all seconds before. */
  readonly #seconds: Array<Counts> = []

  add({ counts }: LatencyCounts): void {
    this.#seconds.push(counts)
    if (this.#seconds.length > MAX_SECONDS + 1) this.#seconds.shift()
  }

  /** The times of the last seconds. */
  last(seconds: number): Counts {
    const now = this.#seconds.at(-1) ?? NONE
    const before = this.#seconds[Math.max(0, this.#seconds.length - 1 - seconds)] ?? NONE
    return now.map((count, i) => Math.max(0, count - before[i]!))
  }
}

export class Latencies {
  readonly #windows = new Map<string, LatencyWindow>()

  /** Adds a second: all times so far, by their kind. Gives the percentiles of the last seconds, of the kinds that have any. */
  add(all: Readonly<Record<string, LatencyCounts>>): Readonly<Record<string, Percentiles>> {
    const percentiles: Record<string, Percentiles> = {}
    for (const [kind, counts] of Object.entries(all)) {
      const window = this.#windows.get(kind) ?? new LatencyWindow()
      this.#windows.set(kind, window)
      window.add(counts)
      const last = window.last(WINDOW_SECONDS)
      if (last.some((count) => count > 0)) percentiles[kind] = percentilesOf(last)
    }
    return percentiles
  }

  /** The last five minutes. */
  get state(): Readonly<Record<string, LatencyState>> {
    return Object.fromEntries(
      [...this.#windows].map(([kind, window]) => {
        const counts = window.last(MAX_SECONDS)
        return [kind, { ...percentilesOf(counts), counts, count: counts.reduce((sum, count) => sum + count, 0) }]
      }),
    )
  }
}

const percentilesOf = (counts: Counts): Percentiles => ({
  p50: percentile(counts, 0.5),
  p95: percentile(counts, 0.95),
})

/** The time in ms below which this part of all times is, as Prometheus's `histogram_quantile` has it: evenly spread within a bucket. 0 without times. */
export const percentile = (counts: Counts, part: number): number => {
  const rank = part * counts.reduce((sum, count) => sum + count, 0)
  let below = 0
  for (const [i, count] of counts.entries()) {
    if (count === 0 || below + count < rank) {
      below += count
      continue
    }
    const from = i === 0 ? 0 : LATENCY_BOUNDS_MS[i - 1]!
    // Of a time over the last bound nothing more is known.
    const to = LATENCY_BOUNDS_MS[i] ?? from
    return from + ((rank - below) / count) * (to - from)
  }
  return 0
}
