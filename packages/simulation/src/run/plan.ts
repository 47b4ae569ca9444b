/** The events that a scenario plans, each kind as one effect that ends when all of its events have happened. */
import { Effect, Random } from "effect"
import type { WorldTime } from "../environment/WorldTime.ts"
import type { Broadcasts, ChannelTraffic, Churn, TopicScenario } from "../scenario/TopicScenario.ts"
import type { Milestones } from "../world/milestones.ts"
import type { World } from "../world/World.ts"

/** One run: what is planned, where and when it happens, and what has been reached. */
export interface Run {
  readonly scenario: TopicScenario
  readonly time: WorldTime
  readonly world: World
  readonly milestones: Milestones
}

/** Everything that the scenario plans. Ends when all of it has happened. */
export const planOf = (run: Run) => {
  const { broadcasts, channel, churn } = run.scenario
  return Effect.all(
    [
      startNodes(run),
      partition(run),
      crash(run),
      broadcasts === undefined ? Effect.void : broadcast(run, broadcasts),
      channel === undefined || channel.count === 0 ? Effect.void : speak(run, channel),
      churn === undefined ? Effect.void : comeAndGo(run, churn),
    ],
    { concurrency: "unbounded", discard: true },
  )
}

/** Waits until `ms` after the start. */
const waitUntil = (time: WorldTime, ms: number): Effect.Effect<void> =>
  Effect.suspend(() => (ms > time.now ? Effect.sleep(ms - time.now) : Effect.void))

/** The first nodes: all at once, or the first at the start and the others at moments drawn evenly. */
const startNodes = Effect.fnUntraced(function* ({ milestones, scenario, time, world }: Run) {
  const times = [0]
  for (let i = 1; i < scenario.nodes; i++) times.push((yield* Random.next) * scenario.arriveOverMs)
  for (const at of times.sort((a, b) => a - b)) {
    yield* waitUntil(time, at)
    yield* world.join()
  }
  milestones.arrivedAt = time.now
})

const partition = Effect.fnUntraced(function* ({ milestones, scenario, time, world }: Run) {
  for (const { atMs, dht, forMs, groups } of scenario.partitions) {
    yield* waitUntil(time, atMs)
    world.environment.partition(groups, dht)
    yield* waitUntil(time, atMs + forMs)
    world.environment.heal()
    milestones.healedAt = undefined
  }
  if (scenario.partitions.length > 0) milestones.partitionsOverAt = time.now
})

const crash = Effect.fnUntraced(function* ({ milestones, scenario, time, world }: Run) {
  if (scenario.crash === undefined) return
  yield* waitUntil(time, scenario.crash.atMs)
  const nodes = yield* Random.shuffle(world.graph.nodes())
  const crashing = nodes.slice(0, Math.round(nodes.length * scenario.crash.share))
  yield* Effect.forEach(crashing, (node) => world.crash(node), { discard: true })
  milestones.crashedAt = time.now
})

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

/** Joins, leaves and crashes, each at exponentially distributed intervals. At least one node stays. */
const comeAndGo = Effect.fnUntraced(function* ({ time, world }: Run, churn: Churn) {
  yield* waitUntil(time, churn.fromMs)
  const anyNode = Effect.gen(function* () {
    const nodes = world.graph.nodes()
    return nodes.length < 2 ? undefined : nodes[Math.floor((yield* Random.next) * nodes.length)]
  })
  const endOne = (end: (node: number) => Effect.Effect<void>) =>
    Effect.flatMap(anyNode, (node) => (node === undefined ? Effect.void : end(node)))
  const kinds = [
    [churn.joinsPerMinute, Effect.asVoid(world.join())],
    [churn.leavesPerMinute, endOne((node) => world.leave(node))],
    [churn.crashesPerMinute, endOne((node) => world.crash(node))],
  ] as const
  yield* Effect.forEach(
    kinds.filter(([rate]) => rate > 0),
    Effect.fnUntraced(function* ([rate, happen]) {
      for (;;) {
        yield* Effect.sleep((-Math.log(1 - (yield* Random.next)) * 60_000) / rate)
        if (time.now >= churn.untilMs) return
        yield* happen
      }
    }),
    { concurrency: "unbounded", discard: true },
  )
})
