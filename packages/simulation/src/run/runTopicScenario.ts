/** Runs a scenario of whole topics once in memory, on virtual time. The seed decides everything, so each repetition is equal. */
import { Cause, Effect, Exit, Logger, Scope } from "effect"
import { memoryEnvironment } from "../environment/memoryEnvironment.ts"
import { VirtualTime } from "../environment/VirtualTime.ts"
import { type TopicScenario, topicLabel } from "../scenario/TopicScenario.ts"
import type { TopicFigures } from "../world/Figures.ts"
import { noMilestones, recordMilestones } from "../world/milestones.ts"
import { TopicLog } from "../world/TopicLog.ts"
import { TOPIC_NAME, World } from "../world/World.ts"
import { EPOCH_MS, type RunReports, runScenario, startSecond } from "./runScenario.ts"

export interface TopicRun extends TopicFigures {
  /** The same in each repetition. */
  readonly log_hash: string
  readonly log_lines: number
}

export interface RunTopicOptions extends RunReports {
  /** Receives each line of the log. */
  readonly onLine?: (line: string) => void
}

/** Throws if the run does not end: an error of the simulation or of the code that it runs. */
export const runTopicScenario = (scenario: TopicScenario, seed: bigint, options: RunTopicOptions = {}): TopicRun => {
  const time = new VirtualTime(EPOCH_MS + startSecond(scenario, seed) * 1_000, seed)
  const log = new TopicLog(options.onLine)
  const milestones = noMilestones()
  let world: World | undefined
  const run = Effect.gen(function* () {
    world = yield* World.make(scenario, time, log, yield* memoryEnvironment(scenario, time, TOPIC_NAME))
    return yield* runScenario({ scenario, time, world, milestones }, options)
    // Warnings of nodes are for the users of nodes; standard output is for results.
  }).pipe(Effect.provide(Logger.layer([])))
  // The scope is never closed: closing all nodes in order would cost as much as starting them, and nothing outlives this call.
  const exit = time.run(
    Effect.flatMap(Scope.make(), (scope) => Scope.provide(run, scope)),
    () => {
      if (world !== undefined) recordMilestones(world.graph, time.now, milestones)
    },
  )
  if (Exit.isFailure(exit)) throw new Error(`${topicLabel(scenario)}: ${Cause.pretty(exit.cause)}`)
  return { ...exit.value, log_lines: log.lines, log_hash: log.finish() }
}
