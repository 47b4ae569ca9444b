/** Compares the figures of simulated runs with those of runs over real packets. */
import type { TopicFigures } from "../world/Figures.ts"

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
  /** Runs without the figure. */
  readonly never: number
}

export interface Agreement {
  readonly figure: string
  readonly unit: string
  /** Over the seeds. */
  readonly simulated: Spread
  readonly real: Spread
  /** The greatest allowed difference of the medians, in the figure's unit. */
  readonly tolerance: number
  readonly agrees: boolean
}

interface Figure {
  readonly name: string
  readonly unit: "ms" | "%" | "hops" | "/min"
  readonly of: (run: TopicFigures) => number | null
  /** The greatest allowed difference of the medians, given the simulated one. */
  readonly tolerance: (simulated: number) => number
}

/** An absolute difference, and a share of the simulated median. */
const within = (absolute: number, share: number) => (simulated: number) => absolute + share * simulated

const delivered =
  (of: (run: TopicFigures) => number) =>
  (run: TopicFigures): number | null =>
    run.delivery.expected === 0 ? null : of(run)

/**
 * The compared figures. The absolute part of a tolerance allows for a busy machine and for the variation of a few nodes and
 * runs; the relative part allows for what the model simplifies.
 */
export const comparedFigures: ReadonlyArray<Figure> = [
  { name: "one_swarm", unit: "ms", of: (run) => run.one_swarm_ms, tolerance: within(300, 0.4) },
  { name: "joined_p50", unit: "ms", of: (run) => run.joined_ms.p50, tolerance: within(250, 0.3) },
  { name: "healed", unit: "ms", of: (run) => run.healed_ms, tolerance: within(10_000, 0.4) },
  // The idle time of a connection starts with its next heartbeat, up to 5 s later.
  { name: "crash_noticed", unit: "ms", of: (run) => run.noticed_ms?.max ?? null, tolerance: within(5_500, 0) },
  { name: "recovered", unit: "ms", of: (run) => run.recovered_ms, tolerance: within(1_000, 0.3) },
  {
    name: "delivered",
    unit: "%",
    of: delivered((run) => 100 * (run.delivery.share ?? 0)),
    // If all messages arrive in the simulation, all must. In a partition the number depends on the senders and times of the broadcasts.
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

/** One entry for each figure that one of the two has. */
export const agreements = (
  simulated: ReadonlyArray<TopicFigures>,
  real: ReadonlyArray<TopicFigures>,
): ReadonlyArray<Agreement> =>
  comparedFigures.flatMap(({ name, of, tolerance: allowed, unit }) => {
    const expected = spread(simulated.map(of))
    const found = spread(real.map(of))
    if (expected.never === simulated.length && found.never === real.length) return []
    const tolerance = allowed(expected.median)
    // A figure that all simulated runs have, all real runs must have.
    const agrees = Math.abs(found.median - expected.median) <= tolerance && (expected.never > 0 || found.never === 0)
    return [{ figure: name, unit, simulated: expected, real: found, tolerance, agrees }]
  })

/** The median, not the mean: the few swarms that start as two parts take ten times as long. NaN if no run has the figure. */
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
