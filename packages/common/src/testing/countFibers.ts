/**
 * Counts the living fibers of a test with the runtime's own hooks. The children of a counted fiber are counted, too.
 */
import { Effect, Metric } from "effect"

/**
 * A counter of the fibers of one effect.
 *
 * @since 0.1.0
 * @category testing
 */
export const makeFiberCounter = () => {
  const counter = { alive: 0 }
  const service: Metric.FiberRuntimeMetricsService = {
    recordFiberStart: () => {
      counter.alive++
    },
    recordFiberEnd: () => {
      counter.alive--
    },
  }
  return {
    /** The number of counted fibers that are alive. */
    get alive() {
      return counter.alive
    },
    /** Counts every fiber that the effect forks, not the fiber that runs it. */
    counted: Effect.provideService(Metric.FiberRuntimeMetrics, service),
  }
}

/**
 * A counter of fibers, made by {@link makeFiberCounter}.
 *
 * @since 0.1.0
 * @category testing
 */
export type FiberCounter = ReturnType<typeof makeFiberCounter>
