/** Whether what was simulated and what real packets did come to the same, figure by figure. */
import type { TopicFigures } from "../topics/Figures.ts"

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
  /** Runs that never came to it. */
  readonly never: number
}

export interface Agreement {
  readonly figure: string
  readonly unit: string
  /** Over the seeds. */
  readonly simulated: Spread
  readonly real: Spread
  /** How far the medians may be from each other, in the figure's unit. */
  readonly tolerance: number
  readonly agrees: boolean
}

interface Figure {
  readonly name: string
  readonly unit: "ms" | "%" | "hops" | "/min"
  readonly of: (run: TopicFigures) => number | null
  /** How far the medians may be from each other, given the simulated one. */
  readonly tolerance: (simulated: number) => number
}

/** So much, in the unit, and such a share of what is simulated. */
const within = (absolute: number, share: number) => (simulated: number) => absolute + share * simulated

const delivered =
  (of: (run: TopicFigures) => number) =>
  (run: TopicFigures): number | null =>
    run.delivery.expected === 0 ? null : of(run)

/**
 * What is compared. The absolute part of a tolerance is for what a busy machine adds and for what a handful of nodes and
 * runs vary by; the relative part is for what the model simplifies.
 */
export const comparedFigures: ReadonlyArray<Figure> = [
  { name: "one_swarm", unit: "ms", of: (run) => run.one_swarm_ms, tolerance: within(300, 0.4) },
  { name: "joined_p50", unit: "ms", of: (run) => run.joined_ms.p50, tolerance: within(250, 0.3) },
  { name: "healed", unit: "ms", of: (run) => run.healed_ms, tolerance: within(10_000, 0.4) },
  // A connection on which nothing is sent begins its idle time with its next heartbeat: up to 5 s later.
  { name: "crash_noticed", unit: "ms", of: (run) => run.noticed_ms?.max ?? null, tolerance: within(5_500, 0) },
  { name: "recovered", unit: "ms", of: (run) => run.recovered_ms, tolerance: within(1_000, 0.3) },
  {
    name: "delivered",
    unit: "%",
    of: delivered((run) => 100 * (run.delivery.share ?? 0)),
    // Where all arrives, all must; where a partition keeps some away, how many depends on who speaks when.
    tolerance: (simulated) => 0.5 + 0.15 * (100 - simulated),
  },
  { name: "hops", unit: "hops", of: delivered((run) => run.delivery.hops.mean), tolerance: within(0.3, 0.1) },
  { name: "latency_p50", unit: "ms", of: delivered((run) => run.delivery.latency_ms.p50), tolerance: within(20, 0.4) },
  {
    name: "latency_p99",
    unit: "ms",
    of: delivered((run) => run.delivery.latency_ms.p99),
    tolerance: within(150, 0.75),
  },
  { name: "get_mean", unit: "ms", of: (run) => some(run.dht.get_ms), tolerance: within(60, 0.4) },
  { name: "put_mean", unit: "ms", of: (run) => some(run.dht.put_ms), tolerance: within(60, 0.4) },
  { name: "gets", unit: "/min", of: (run) => run.dht.gets_per_topic_minute, tolerance: within(20, 0.4) },
  { name: "puts", unit: "/min", of: (run) => run.dht.puts_per_topic_minute, tolerance: within(20, 0.4) },
]

const some = ({ count, mean }: { readonly count: number; readonly mean: number }): number | null =>
  count === 0 ? null : mean

/** One for each figure that either has. */
export const agreements = (
  simulated: ReadonlyArray<TopicFigures>,
  real: ReadonlyArray<TopicFigures>,
): ReadonlyArray<Agreement> =>
  comparedFigures.flatMap(({ name, of, tolerance: allowed, unit }) => {
    const expected = spread(simulated.map(of))
    const found = spread(real.map(of))
    if (expected.never === simulated.length && found.never === real.length) return []
    const tolerance = allowed(expected.median)
    // What either always comes to the other must too.
    const agrees = Math.abs(found.median - expected.median) <= tolerance && (expected.never > 0 || found.never === 0)
    return [{ figure: name, unit, simulated: expected, real: found, tolerance, agrees }]
  })

/** The median: a swarm that began as two bubbles takes ten times as long, and one in a few does. Of none it is no number. */
const spread = (values: ReadonlyArray<number | null>): Spread => {
  const reached = values.filter((value) => value !== null).sort((a, b) => a - b)
  const middle = (reached.length - 1) / 2
  return {
    median: (reached[Math.floor(middle)]! + reached[Math.ceil(middle)]!) / 2,
    min: Math.min(...reached),
    max: Math.max(...reached),
    never: values.length - reached.length,
  }
}
