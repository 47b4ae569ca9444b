/** Whether what was simulated and what real packets did come to the same, figure by figure. */
import type { TopicFigures } from "../topics/Figures.ts"

export interface Spread {
  readonly mean: number
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
  /** How far the means may be from each other, in the figure's unit. */
  readonly tolerance: number
  readonly agrees: boolean
}

interface Figure {
  readonly name: string
  readonly unit: "ms" | "%" | "hops" | "/min"
  readonly of: (run: TopicFigures) => number | null
  /** The means may differ by this, in the unit. */
  readonly absolute: number
  /** And by this share of the simulated mean. */
  readonly relative: number
}

const delivered =
  (of: (run: TopicFigures) => number) =>
  (run: TopicFigures): number | null =>
    run.delivery.expected === 0 ? null : of(run)

/**
 * What is compared. The absolute part is for what a busy machine adds and for what a handful of nodes and runs vary by; the
 * relative part for what the model simplifies.
 */
export const comparedFigures: ReadonlyArray<Figure> = [
  { name: "one_swarm", unit: "ms", of: (run) => run.one_swarm_ms, absolute: 300, relative: 0.3 },
  { name: "joined_p50", unit: "ms", of: (run) => run.joined_ms.p50, absolute: 250, relative: 0.3 },
  { name: "healed", unit: "ms", of: (run) => run.healed_ms, absolute: 10_000, relative: 0.4 },
  { name: "crash_noticed", unit: "ms", of: (run) => run.noticed_ms?.max ?? null, absolute: 1_000, relative: 0.05 },
  { name: "recovered", unit: "ms", of: (run) => run.recovered_ms, absolute: 1_000, relative: 0.3 },
  {
    name: "delivered",
    unit: "%",
    of: delivered((run) => 100 * (run.delivery.share ?? 0)),
    absolute: 0.5,
    relative: 0,
  },
  { name: "hops", unit: "hops", of: delivered((run) => run.delivery.hops.mean), absolute: 0.3, relative: 0.1 },
  { name: "latency_p50", unit: "ms", of: delivered((run) => run.delivery.latency_ms.p50), absolute: 20, relative: 0.2 },
  { name: "latency_p99", unit: "ms", of: delivered((run) => run.delivery.latency_ms.p99), absolute: 50, relative: 0.4 },
  { name: "get_mean", unit: "ms", of: (run) => some(run.dht.get_ms), absolute: 60, relative: 0.3 },
  { name: "put_mean", unit: "ms", of: (run) => some(run.dht.put_ms), absolute: 60, relative: 0.3 },
  {
    name: "gets",
    unit: "/min",
    of: (run) => run.dht.gets_per_topic_minute,
    absolute: 20,
    relative: 0.4,
  },
  {
    name: "puts",
    unit: "/min",
    of: (run) => run.dht.puts_per_topic_minute,
    absolute: 20,
    relative: 0.4,
  },
]

const some = ({ count, mean }: { readonly count: number; readonly mean: number }): number | null =>
  count === 0 ? null : mean

/** One for each figure that either has. */
export const agreements = (
  simulated: ReadonlyArray<TopicFigures>,
  real: ReadonlyArray<TopicFigures>,
): ReadonlyArray<Agreement> =>
  comparedFigures.flatMap(({ absolute, name, of, relative, unit }) => {
    const expected = spread(simulated.map(of))
    const found = spread(real.map(of))
    if (expected.never === simulated.length && found.never === real.length) return []
    const tolerance = absolute + relative * Math.abs(expected.mean)
    // What either always comes to the other must too.
    const agrees = Math.abs(found.mean - expected.mean) <= tolerance && (expected.never > 0 || found.never === 0)
    return [{ figure: name, unit, simulated: expected, real: found, tolerance, agrees }]
  })

/** The mean of none is not a number, which agrees with nothing. */
const spread = (values: ReadonlyArray<number | null>): Spread => {
  const reached = values.filter((value) => value !== null)
  return {
    mean: reached.reduce((sum, value) => sum + value, 0) / reached.length,
    min: Math.min(...reached),
    max: Math.max(...reached),
    never: values.length - reached.length,
  }
}
