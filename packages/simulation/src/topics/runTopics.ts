/**
 * Runs a scenario of whole topics with one seed: nodes come, the network does what the scenario says, and everything that
 * happens is counted and goes into the log.
 */
import { Cause, Effect, Exit, Fiber, Scope } from "effect"
import { Figures, type TopicFigures } from "./Figures.ts"
import { type Milestones, noMilestones, plansOf } from "./plans.ts"
import { TopicLog } from "./TopicLog.ts"
import { labelOf, type TopicScenario } from "./TopicScenario.ts"
import { VirtualTime } from "./VirtualTime.ts"
import { World } from "./World.ts"

export interface TopicRun extends TopicFigures {
  /** The same in every repetition. */
  readonly log_hash: string
  readonly log_lines: number
}

export interface RunTopicsOptions {
  /** Gets each line of the log. */
  readonly onLine?: (line: string) => void
  /** Called once a simulated second with the part of the scenario's duration that is over, 0 to 1. */
  readonly onProgress?: (part: number) => void
}

/** A Unix time, in ms, at the beginning of a minute. */
const epoch = 1_750_000_020_000

/** `seed` decides everything. Throws when the world does not get to its end: a bug of the simulation or of what it runs. */
export const runTopics = (scenario: TopicScenario, seed: bigint, options: RunTopicsOptions = {}): TopicRun => {
  // Seeds should not have one second in common when none is given: 37 is prime to 60.
  const second = scenario.startSecond ?? Number((seed * 37n + 11n) % 60n)
  const time = new VirtualTime(epoch + second * 1_000, seed)
  const log = new TopicLog(options.onLine)
  const milestones = noMilestones()
  let world: World | undefined
  const play = Effect.gen(function* () {
    world = yield* World.make(scenario, time, log)
    const figures = new Figures(scenario, time, world)
    const plans = yield* Effect.forkScoped(plansOf({ scenario, time, world, milestones }))
    for (let second = 0; time.now < scenario.durationMs; second++) {
      yield* figures.sample(second)
      options.onProgress?.(time.now / scenario.durationMs)
      const plansExit = plans.pollUnsafe()
      if (plansExit !== undefined && Exit.isFailure(plansExit)) return yield* Effect.failCause(plansExit.cause)
      if (plansExit !== undefined && scenario.stopEarly && isSettled(milestones)) break
      yield* Effect.sleep((second + 1) * 1_000 - time.now)
    }
    yield* Fiber.interrupt(plans)
    return yield* figures.finish(milestones)
  })
  // The world ends with this call: nothing in it needs an orderly end, which would cost as much as its beginning.
  const exit = time.run(
    Effect.flatMap(Scope.make(), (scope) => Scope.provide(play, scope)),
    () => {
      if (world !== undefined) watch(world, time.now, milestones)
    },
  )
  if (Exit.isFailure(exit)) throw new Error(`${labelOf(scenario)}: ${Cause.pretty(exit.cause)}`)
  return { ...exit.value, log_lines: log.lines, log_hash: log.finish() }
}

/** Looks after each moment whether what is waited for has come about. */
const watch = ({ swarm }: World, now: number, milestones: Milestones): void => {
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
