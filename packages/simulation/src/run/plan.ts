/** The messages that a scenario plans, each kind as one effect that ends when all of it has happened; `changes.ts` has the rest. */
import { Effect } from "effect"
import type { WorldTime } from "../environment/WorldTime.ts"
import type { Broadcasts, ChannelTraffic, TopicScenario } from "../scenario/TopicScenario.ts"
import type { Milestones } from "../world/milestones.ts"
import type { World } from "../world/World.ts"
import { changesOf, waitUntil } from "./changes.ts"

/** One run: what is planned, where and when it happens, and what has been reached. */
export interface Run {
  readonly scenario: TopicScenario
  readonly time: WorldTime
  readonly world: World
  readonly milestones: Milestones
}

/** Everything that the scenario plans. Ends when all of it has happened. */
export const planOf = (run: Run) => {
  const { broadcasts, channel } = run.scenario
  return Effect.all(
    [
      changesOf({ ...run, swarm: run.world }),
      broadcasts === undefined ? Effect.void : broadcast(run, broadcasts),
      channel === undefined || channel.count === 0 ? Effect.void : speak(run, channel),
    ],
    { concurrency: "unbounded", discard: true },
  )
}

/** Broadcasts without a start of their own begin this long after all nodes have become one swarm: the overlay has settled. */
const SETTLING_MS = 5_000
/** The plan ends this long after the last broadcast: messages under way arrive. */
const ARRIVING_MS = 10_000
const ONE_SWARM_CHECK_MS = 100

const broadcast = Effect.fnUntraced(function* ({ milestones, time, world }: Run, plan: Broadcasts) {
  if (plan.fromMs === undefined) {
    while (milestones.oneSwarmAt === undefined) yield* Effect.sleep(ONE_SWARM_CHECK_MS)
    yield* Effect.sleep(SETTLING_MS)
  } else yield* waitUntil(time, plan.fromMs)
  for (let i = 0; i < plan.count; i++) {
    yield* world.broadcast(`m${i}`, plan.bytes)
    yield* Effect.sleep(plan.everyMs)
  }
  yield* Effect.sleep(ARRIVING_MS)
})

/** The authors say something in turns, after all nodes have become one swarm; the first of them perhaps something large as well. */
const speak = Effect.fnUntraced(function* ({ milestones, world }: Run, plan: ChannelTraffic) {
  while (milestones.oneSwarmAt === undefined) yield* Effect.sleep(ONE_SWARM_CHECK_MS)
  yield* Effect.sleep(SETTLING_MS)
  if (plan.largeBytes > 0) yield* Effect.forkScoped(world.say(0, "large", plan.largeBytes))
  for (let i = 0; i < plan.count; i++) {
    // The large one is said by nobody else's turn.
    const author = plan.largeBytes > 0 ? 1 + (i % plan.authors) : i % plan.authors
    yield* Effect.forkScoped(world.say(author, `c${i}`, plan.bytes))
    yield* Effect.sleep(plan.everyMs)
  }
  yield* Effect.sleep(ARRIVING_MS)
}, Effect.scoped)
