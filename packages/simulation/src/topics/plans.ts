/** What a scenario has happen and when: each plan is one effect that ends when all of it has happened. */
import { Effect, Random } from "effect"
import type { Broadcasts, Churn, TopicScenario } from "./TopicScenario.ts"
import type { World } from "./World.ts"
import type { WorldTime } from "./WorldTime.ts"

/** When what is waited for came about; ms since the world began, undefined while it has not. */
export interface Milestones {
  /** The last of the scenario's first nodes came. */
  arrivedAt: number | undefined
  oneSwarmAt: number | undefined
  /** The last partition ended. */
  partitionsOverAt: number | undefined
  healedAt: number | undefined
  crashedAt: number | undefined
  recoveredAt: number | undefined
}

export const noMilestones = (): Milestones => ({
  arrivedAt: undefined,
  oneSwarmAt: undefined,
  partitionsOverAt: undefined,
  healedAt: undefined,
  crashedAt: undefined,
  recoveredAt: undefined,
})

export interface Stage {
  readonly scenario: TopicScenario
  readonly time: WorldTime
  readonly world: World
  readonly milestones: Milestones
}

/** Everything that the scenario plans; done when all of it has happened. */
export const plansOf = (stage: Stage) => {
  const { broadcasts, churn } = stage.scenario
  return Effect.all(
    [
      arrive(stage),
      partition(stage),
      crash(stage),
      broadcasts === undefined ? Effect.void : broadcast(stage, broadcasts),
      churn === undefined ? Effect.void : comeAndGo(stage, churn),
    ],
    { concurrency: "unbounded", discard: true },
  )
}

/** Waits until so many ms after the world's beginning. */
const until = (time: WorldTime, ms: number): Effect.Effect<void> =>
  Effect.suspend(() => (ms > time.now ? Effect.sleep(ms - time.now) : Effect.void))

/** All at once in one moment; trickling, at moments drawn evenly, the first one at the beginning. */
const arrive = Effect.fnUntraced(function* ({ milestones, scenario, time, world }: Stage) {
  const times = [0]
  for (let i = 1; i < scenario.nodes; i++) times.push((yield* Random.next) * scenario.arriveOverMs)
  for (const at of times.sort((a, b) => a - b)) {
    yield* until(time, at)
    yield* world.join
  }
  milestones.arrivedAt = time.now
})

const partition = Effect.fnUntraced(function* ({ milestones, scenario, time, world }: Stage) {
  for (const { atMs, dht, forMs, groups } of scenario.partitions) {
    yield* until(time, atMs)
    world.ground.split(groups, dht)
    yield* until(time, atMs + forMs)
    world.ground.heal()
    milestones.healedAt = undefined
  }
  if (scenario.partitions.length > 0) milestones.partitionsOverAt = time.now
})

const crash = Effect.fnUntraced(function* ({ milestones, scenario, time, world }: Stage) {
  if (scenario.crash === undefined) return
  yield* until(time, scenario.crash.atMs)
  const nodes = yield* Random.shuffle(world.swarm.nodes())
  const victims = nodes.slice(0, Math.round(nodes.length * scenario.crash.share))
  yield* Effect.forEach(victims, (node) => world.crash(node), { discard: true })
  milestones.crashedAt = time.now
})

/** After this long since all became one swarm, broadcasts without a time of their own begin: the overlay has settled. */
const settling = 5_000
/** After the last broadcast: what is still under way arrives. */
const arriving = 10_000

const broadcast = Effect.fnUntraced(function* ({ milestones, time, world }: Stage, plan: Broadcasts) {
  if (plan.fromMs === undefined) {
    while (milestones.oneSwarmAt === undefined) yield* Effect.sleep(100)
    yield* Effect.sleep(settling)
  } else yield* until(time, plan.fromMs)
  for (let i = 0; i < plan.count; i++) {
    yield* world.broadcast(`m${i}`, plan.bytes)
    yield* Effect.sleep(plan.everyMs)
  }
  yield* Effect.sleep(arriving)
})

/** Each kind of event at exponentially distributed intervals. At least one node stays. */
const comeAndGo = Effect.fnUntraced(function* ({ time, world }: Stage, churn: Churn) {
  yield* until(time, churn.fromMs)
  const someone = Effect.gen(function* () {
    const nodes = world.swarm.nodes()
    return nodes.length < 2 ? undefined : nodes[Math.floor((yield* Random.next) * nodes.length)]
  })
  const ended = (how: (node: number) => Effect.Effect<void>) =>
    Effect.flatMap(someone, (node) => (node === undefined ? Effect.void : how(node)))
  const kinds = [
    [churn.joinsPerMinute, Effect.asVoid(world.join)],
    [churn.leavesPerMinute, ended((node) => world.leave(node))],
    [churn.crashesPerMinute, ended((node) => world.crash(node))],
  ] as const
  yield* Effect.forEach(
    kinds.filter(([rate]) => rate > 0),
    Effect.fnUntraced(function* ([rate, happens]) {
      for (;;) {
        yield* Effect.sleep((-Math.log(1 - (yield* Random.next)) * 60_000) / rate)
        if (time.now >= churn.untilMs) return
        yield* happens
      }
    }),
    { concurrency: "unbounded", discard: true },
  )
})
