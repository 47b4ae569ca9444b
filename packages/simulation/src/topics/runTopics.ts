/**
 * Runs a scenario of whole topics with one seed: nodes come, the network does what the scenario says, and everything that
 * happens is counted and goes into the log.
 */
import { Cause, Effect, Exit, Scope } from "effect"
import type { TopicFigures } from "./Figures.ts"
import { memoryGround } from "./memoryGround.ts"
import { noMilestones } from "./plans.ts"
import { epoch, playOut, startSecond, watch } from "./playOut.ts"
import { TopicLog } from "./TopicLog.ts"
import { labelOf, type TopicScenario } from "./TopicScenario.ts"
import { VirtualTime } from "./VirtualTime.ts"
import { topicName, World } from "./World.ts"

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

/** `seed` decides everything. Throws when the world does not get to its end: a bug of the simulation or of what it runs. */
export const runTopics = (scenario: TopicScenario, seed: bigint, options: RunTopicsOptions = {}): TopicRun => {
  const second = startSecond(scenario, seed)
  const time = new VirtualTime(epoch + second * 1_000, seed)
  const log = new TopicLog(options.onLine)
  const milestones = noMilestones()
  let world: World | undefined
  const play = Effect.gen(function* () {
    world = yield* World.make(scenario, time, log, yield* memoryGround(scenario, time, topicName))
    return yield* playOut({ scenario, time, world, milestones }, options.onProgress)
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
