/**
 * Counts the fibers that live, by the runtime's own hooks: what a counted fiber forks is counted too.
 */
import { Effect, Metric } from "effect"

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
    /** How many are alive now. */
    get alive() {
      return counter.alive
    },
    /** Counts every fiber that the effect forks; not the one that runs it. */
    counted: Effect.provideService(Metric.FiberRuntimeMetrics, service),
  }
}

export type FiberCounter = ReturnType<typeof makeFiberCounter>
