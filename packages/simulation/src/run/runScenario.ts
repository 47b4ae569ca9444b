/** Runs a scenario in a world, in virtual or real time and in any environment, and returns its figures. */
import { Effect, Exit, Fiber } from "effect"
import type { TopicScenario } from "../scenario/TopicScenario.ts"
import { Figures, type PartialFigures } from "../world/Figures.ts"
import { isSettled } from "../world/milestones.ts"
import { planOf, type Run } from "./plan.ts"

/** The Unix time (ms) of the beginning of a minute: runs start in that minute. */
export const EPOCH_MS = 1_750_000_020_000

/** The second of the minute at which a run starts. 37 is coprime to 60, so different seeds start at different seconds. */
export const startSecond = (scenario: TopicScenario, seed: bigint): number =>
  scenario.startSecond ?? Number((seed * 37n + 11n) % 60n)

/** Reports of a run that is under way. */
export interface RunReports {
  /** Called once a simulated second with the part of the scenario's duration that is over, 0 to 1. */
  readonly onProgress?: ((part: number) => void) | undefined
  /** Called at a simulated second at which `isWanted` says so. */
  readonly onFigures?: ((figures: PartialFigures) => void) | undefined
  readonly isWanted?: (() => boolean) | undefined
}

export const runScenario = Effect.fnUntraced(function* (run: Run, reports: RunReports = {}) {
  const { milestones, scenario, time, world } = run
  const figures = new Figures(scenario, time, world)
  const plan = yield* Effect.forkScoped(planOf(run))
  for (let second = 0; time.now < scenario.durationMs; second++) {
    yield* figures.sample(second)
    reports.onProgress?.(time.now / scenario.durationMs)
    if (reports.onFigures !== undefined && reports.isWanted?.() !== false) {
      reports.onFigures(yield* figures.soFar(milestones))
    }
    const planExit = plan.pollUnsafe()
    if (planExit !== undefined && Exit.isFailure(planExit)) return yield* Effect.failCause(planExit.cause)
    // A node with a full view drops a neighbour when it accepts a new one, and the dropped one may be alone for a moment. A run
    // does not end in such a moment.
    if (planExit !== undefined && scenario.stopEarly && isSettled(milestones) && world.graph.isOne()) break
    yield* Effect.sleep((second + 1) * 1_000 - time.now)
  }
  yield* Fiber.interrupt(plan)
  return yield* figures.finish(milestones)
})
