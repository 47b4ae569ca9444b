/**
 * Runs a scenario of whole topics over real packets, in real time. The seed decides the keys, the plan and the delay or loss of
 * the n-th packet; real time decides which packet is the n-th, so no two runs are equal. It needs a network namespace of its own.
 */
import { Clock, Effect, Random } from "effect"
import { seededRandom } from "../environment/VirtualTime.ts"
import { EPOCH_MS, runScenario, startSecond } from "../run/runScenario.ts"
import type { TopicScenario } from "../scenario/TopicScenario.ts"
import type { TopicFigures } from "../world/Figures.ts"
import { noMilestones, recordMilestones } from "../world/milestones.ts"
import { TopicLog } from "../world/TopicLog.ts"
import { World } from "../world/World.ts"
import { RealTime } from "./RealTime.ts"
import type { RelayCounters } from "./Relay.ts"
import { socketEnvironment } from "./socketEnvironment.ts"

export interface SocketRun extends TopicFigures {
  readonly packets: RelayCounters & {
    /** Packets that the kernel had redirected to the relay, by its own count. */
    readonly redirected: number
    /** Dropped packets: neither redirected nor sent by the relay. */
    readonly stray: number
  }
}

export interface RunOverSocketsOptions {
  /** Receives each line of the log. */
  readonly onLine?: (line: string) => void
  /** Called once a second with the part of the scenario's duration that is over, 0 to 1. */
  readonly onProgress?: (part: number) => void
  /** The kernel's counters of packets, by name. */
  readonly packetCounts: () => Readonly<Record<string, number>>
}

/** The interval at which milestones are checked: the precision of the figures. */
const CHECK_EVERY_MS = 5

/** Redirected packets may wait at a front for so long before the relay counts them. */
const FRONT_WAIT_MS = 100

export const runOverSockets = Effect.fnUntraced(function* (
  scenario: TopicScenario,
  seed: bigint,
  options: RunOverSocketsOptions,
) {
  const random = seededRandom(seed)
  const run = Effect.gen(function* () {
    const { environment, relay } = yield* socketEnvironment(scenario)
    const time = new RealTime(yield* Clock.Clock, EPOCH_MS + startSecond(scenario, seed) * 1_000)
    const log = new TopicLog(options.onLine)
    const milestones = noMilestones()
    const world = yield* World.make(scenario, time, log, environment)
    // All nodes start at once: the first must not wait until the last one's sockets are bound.
    if (scenario.arriveOverMs === 0) yield* world.prepareNodes(scenario.nodes)
    time.restart()
    const check = Effect.sync(() => recordMilestones(world.graph, time.now, milestones))
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(check, Effect.sleep(CHECK_EVERY_MS))))
    const figures = yield* runScenario({ scenario, time, world, milestones }, { onProgress: options.onProgress })
    const { redirected = 0, stray = 0 } = options.packetCounts()
    // Packets that the kernel has counted may still wait at a front.
    yield* Effect.sleep(FRONT_WAIT_MS)
    const result: SocketRun = { ...figures, packets: { ...relay.counters, redirected, stray } }
    return result
  })
  return yield* Effect.scoped(run).pipe(Effect.provideService(Random.Random, random))
})
