/** The figures of a simulation of a user's program: sampled once in ten seconds, and summed up at the end. */
import { Effect } from "effect"
import type { DhtTimeFigures } from "../world/DhtTimes.ts"
import type { Instances } from "./Instances.ts"
import type { SimulatedTopicFigures } from "./ObservedTopics.ts"

/**
 * The values of a gauge in all instances that are there.
 *
 * @since 0.1.0
 * @category models
 */
export interface GaugeFigures {
  readonly sum: number
  readonly min: number
  readonly max: number
}

/**
 * One point of a simulation's time line.
 *
 * @since 0.1.0
 * @category models
 */
export interface SimulationPoint {
  readonly at_ms: number
  readonly nodes: number
  readonly gauges: Readonly<Record<string, GaugeFigures>>
}

/**
 * The figures of a simulation. Times are simulated ms.
 *
 * @since 0.1.0
 * @category models
 */
export interface SimulationFigures {
  readonly simulated_ms: number
  /** Instances at the end. */
  readonly nodes: number
  /** Each topic, in the order in which they were first opened. */
  readonly topics: ReadonlyArray<SimulatedTopicFigures>
  readonly dht: DhtTimeFigures & {
    /** Queries that the nodes of the DHT received, per instance and minute. */
    readonly gets_per_node_minute: number
    readonly puts_per_node_minute: number
  }
  readonly gauges: Readonly<Record<string, GaugeFigures>>
  /** The counters of all topics, summed: `TopicStats` of core. */
  readonly counters: Readonly<Record<string, number>>
  /** A point every ten seconds, and one at the end. */
  readonly timeline: ReadonlyArray<SimulationPoint>
}

export const pointOf = <A, E>(instances: Instances<A, E>, now: number): SimulationPoint => ({
  at_ms: now,
  nodes: instances.nodes().length,
  gauges: gaugesOf(instances),
})

export const figuresOf = <A, E>(
  instances: Instances<A, E>,
  now: number,
  timeline: ReadonlyArray<SimulationPoint>,
): Effect.Effect<SimulationFigures> =>
  Effect.gen(function* () {
    const load = yield* instances.environment.load
    const minutes = Math.max(instances.minutes, Number.EPSILON)
    const last = pointOf(instances, now)
    return {
      simulated_ms: now,
      nodes: last.nodes,
      topics: instances.topics.figures(),
      dht: {
        ...instances.dhtTimes.figures(),
        gets_per_node_minute: load.reduce((sum, { gets }) => sum + gets, 0) / minutes,
        puts_per_node_minute: load.reduce((sum, { puts }) => sum + puts, 0) / minutes,
      },
      gauges: last.gauges,
      counters: yield* instances.topics.counters,
      timeline: timeline.at(-1)?.at_ms === now ? timeline : [...timeline, last],
    }
  })

const gaugesOf = <A, E>(instances: Instances<A, E>): Readonly<Record<string, GaugeFigures>> =>
  Object.fromEntries(
    [...instances.gauges()].map(([name, values]) => [
      name,
      { sum: values.reduce((sum, value) => sum + value, 0), min: Math.min(...values), max: Math.max(...values) },
    ]),
  )
