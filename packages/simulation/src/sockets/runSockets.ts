/**
 * Runs a scenario of whole topics over real packets, in real time. The seed decides the keys, the plan and what becomes of the
 * n-th packet; which packet is the n-th, time decides, so no two runs are the same. Only inside a namespace of our own.
 */
import { Clock, Effect, Random } from "effect"
import type { TopicFigures } from "../topics/Figures.ts"
import { noMilestones } from "../topics/plans.ts"
import { epoch, playOut, startSecond, watch } from "../topics/playOut.ts"
import { TopicLog } from "../topics/TopicLog.ts"
import type { TopicScenario } from "../topics/TopicScenario.ts"
import { seededRandom } from "../topics/VirtualTime.ts"
import { World } from "../topics/World.ts"
import { RealTime } from "./RealTime.ts"
import type { RelayCounters } from "./Relay.ts"
import { socketGround } from "./socketGround.ts"

export interface SocketRun extends TopicFigures {
  readonly packets: RelayCounters & {
    /** What the kernel had led to the relay, by its own count, a moment before. */
    readonly redirected: number
    /** What would have gone elsewhere, and was dropped. */
    readonly stray: number
  }
}

export interface RunSocketsOptions {
  /** Gets each line of the log. */
  readonly onLine?: (line: string) => void
  /** Called once a second with the part of the scenario's duration that is over, 0 to 1. */
  readonly onProgress?: (part: number) => void
  /** Packets that each of the kernel's rules has seen. */
  readonly counted: () => Readonly<Record<string, number>>
}

/** How often it is looked whether what is waited for has come about, in ms: figures are exact to this. */
const watchEveryMs = 5

const settleMs = 100

export const runSockets = Effect.fnUntraced(function* (
  scenario: TopicScenario,
  seed: bigint,
  options: RunSocketsOptions,
) {
  const random = seededRandom(seed)
  const play = Effect.gen(function* () {
    const { ground, relay } = yield* socketGround(scenario)
    const time = new RealTime(yield* Clock.Clock, epoch + startSecond(scenario, seed) * 1_000)
    const log = new TopicLog(options.onLine)
    const milestones = noMilestones()
    const world = yield* World.make(scenario, time, log, ground)
    // All at once: the first must not wait until the last one's sockets are there.
    if (scenario.arriveOverMs === 0) yield* world.prepare(scenario.nodes)
    time.restart()
    const look = Effect.sync(() => watch(world, time.now, milestones))
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(look, Effect.sleep(watchEveryMs))))
    const figures = yield* playOut({ scenario, time, world, milestones }, options.onProgress)
    const { redirected = 0, stray = 0 } = options.counted()
    // What the kernel has counted may still wait at a front.
    yield* Effect.sleep(settleMs)
    const run: SocketRun = { ...figures, packets: { ...relay.counters, redirected, stray } }
    return run
  })
  return yield* Effect.scoped(play).pipe(Effect.provideService(Random.Random, random))
})
