/** Lets a scenario happen in a world, on whatever time and ground, and takes its figures. */
import { Effect, Exit, Fiber } from "effect"
import { Figures } from "./Figures.ts"
import { type Milestones, plansOf, type Stage } from "./plans.ts"
import type { TopicScenario } from "./TopicScenario.ts"
import type { World } from "./World.ts"

/** A Unix time, in ms, at the beginning of a minute. */
export const epoch = 1_750_000_020_000

/** The second of the minute at which a world begins. Seeds should not have one in common when none is given: 37 is prime to 60. */
export const startSecond = (scenario: TopicScenario, seed: bigint): number =>
  scenario.startSecond ?? Number((seed * 37n + 11n) % 60n)

/** `onProgress` is called once a second with the part of the scenario's duration that is over, 0 to 1. */
export const playOut = Effect.fnUntraced(function* (stage: Stage, onProgress?: (part: number) => void) {
  const { milestones, scenario, time, world } = stage
  const figures = new Figures(scenario, time, world)
  const plans = yield* Effect.forkScoped(plansOf(stage))
  for (let second = 0; time.now < scenario.durationMs; second++) {
    yield* figures.sample(second)
    onProgress?.(time.now / scenario.durationMs)
    const plansExit = plans.pollUnsafe()
    if (plansExit !== undefined && Exit.isFailure(plansExit)) return yield* Effect.failCause(plansExit.cause)
    // A full view that takes one in lets another go, which may be alone for a moment: that is not how a run ends.
    if (plansExit !== undefined && scenario.stopEarly && isSettled(milestones) && world.swarm.bubbles() === 1) break
    yield* Effect.sleep((second + 1) * 1_000 - time.now)
  }
  yield* Fiber.interrupt(plans)
  return yield* figures.finish(milestones)
})

/** To be called whenever something may have happened: looks whether what is waited for has come about. */
export const watch = ({ swarm }: World, now: number, milestones: Milestones): void => {
  const { arrivedAt, crashedAt, healedAt, oneSwarmAt, partitionsOverAt, recoveredAt } = milestones
  const waits =
    (arrivedAt !== undefined && oneSwarmAt === undefined) ||
    (partitionsOverAt !== undefined && healedAt === undefined) ||
    (crashedAt !== undefined && recoveredAt === undefined)
  if (!waits || swarm.bubbles() !== 1) return
  if (arrivedAt !== undefined) milestones.oneSwarmAt ??= now
  if (partitionsOverAt !== undefined) milestones.healedAt ??= now
  if (crashedAt !== undefined) milestones.recoveredAt ??= now
}

const isSettled = ({ crashedAt, healedAt, oneSwarmAt, partitionsOverAt, recoveredAt }: Milestones): boolean =>
  oneSwarmAt !== undefined &&
  (partitionsOverAt === undefined || healedAt !== undefined) &&
  (crashedAt === undefined || recoveredAt !== undefined)
