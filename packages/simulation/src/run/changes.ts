/** The changes that a scenario plans for its nodes and their network: starts, partitions, crashes and churn. It does not know what nodes are. */
import { Effect, Random } from "effect"
import type { WorldTime } from "../environment/WorldTime.ts"
import type { Churn, LateNodes, Suspension, TopicScenario } from "../scenario/TopicScenario.ts"
import type { Milestones } from "../world/milestones.ts"

/** The nodes of a run, and the network between them. */
export interface Swarm<E> {
  /** The nodes that are there, by their indices. */
  readonly nodes: () => ReadonlyArray<number>
  /** When the node started or last said something, in ms since the start. */
  readonly activeAt: (node: number) => number
  /** A new node starts. Returns its index. */
  readonly join: () => Effect.Effect<number, E>
  readonly leave: (node: number) => Effect.Effect<void>
  readonly crash: (node: number) => Effect.Effect<void>
  /** The machines of the nodes are suspended for so many ms. */
  readonly suspend: (nodes: ReadonlyArray<number>, ms: number) => Effect.Effect<void>
  readonly environment: {
    readonly partition: (groups: number, dht: boolean) => void
    readonly heal: () => void
  }
}

/** The planned changes, their nodes, and those reached so far. */
export interface Changes<E> {
  readonly scenario: Pick<
    TopicScenario,
    "nodes" | "arriveOverMs" | "partitions" | "crash" | "late" | "suspension" | "churn"
  >
  readonly time: WorldTime
  readonly swarm: Swarm<E>
  readonly milestones: Milestones
}

/** All changes. Ends when all of them have happened. */
export const changesOf = <E>(run: Changes<E>): Effect.Effect<void, E> => {
  const { churn, late, suspension } = run.scenario
  return Effect.all(
    [
      startNodes(run),
      partition(run),
      crash(run),
      late === undefined ? Effect.void : startLate(run, late),
      suspension === undefined ? Effect.void : suspend(run, suspension),
      churn === undefined ? Effect.void : comeAndGo(run, churn),
    ],
    { concurrency: "unbounded", discard: true },
  )
}

/** Waits until `ms` after the start. */
export const waitUntil = (time: WorldTime, ms: number): Effect.Effect<void> =>
  Effect.suspend(() => (ms > time.now ? Effect.sleep(ms - time.now) : Effect.void))

/** The first nodes: all at once, or the first at the start and the others at moments drawn evenly. */
const startNodes = Effect.fnUntraced(function* <E>({ milestones, scenario, swarm, time }: Changes<E>) {
  const times = [0]
  for (let i = 1; i < scenario.nodes; i++) times.push((yield* Random.next) * scenario.arriveOverMs)
  for (const at of times.sort((a, b) => a - b)) {
    yield* waitUntil(time, at)
    yield* swarm.join()
  }
  milestones.arrivedAt = time.now
})

const partition = Effect.fnUntraced(function* <E>({ milestones, scenario, swarm, time }: Changes<E>) {
  for (const { atMs, dht, forMs, groups } of scenario.partitions) {
    yield* waitUntil(time, atMs)
    swarm.environment.partition(groups, dht)
    yield* waitUntil(time, atMs + forMs)
    swarm.environment.heal()
    milestones.healedAt = undefined
  }
  if (scenario.partitions.length > 0) milestones.partitionsOverAt = time.now
})

const crash = Effect.fnUntraced(function* <E>({ milestones, scenario, swarm, time }: Changes<E>) {
  if (scenario.crash === undefined) return
  yield* waitUntil(time, scenario.crash.atMs)
  const nodes = yield* Random.shuffle(swarm.nodes())
  const crashing = nodes.slice(0, Math.round(nodes.length * scenario.crash.share))
  yield* Effect.forEach(crashing, (node) => swarm.crash(node), { discard: true })
  milestones.crashedAt = time.now
})

const startLate = Effect.fnUntraced(function* <E>({ swarm, time }: Changes<E>, late: LateNodes) {
  for (let i = 0; i < late.nodes; i++) {
    yield* waitUntil(time, late.atMs + i * late.everyMs)
    yield* swarm.join()
  }
})

const suspend = Effect.fnUntraced(function* <E>({ milestones, swarm, time }: Changes<E>, plan: Suspension) {
  yield* waitUntil(time, plan.atMs)
  const nodes = yield* Random.shuffle(swarm.nodes())
  yield* swarm.suspend(nodes.slice(0, Math.round(nodes.length * plan.share)), plan.forMs)
  milestones.awokeAt = time.now
})

/**
 * Joins, leaves and crashes, each at exponentially distributed intervals. At least one node stays, and each node for a while after its start
 * and its words: nobody else can have what a node says whose last neighbour leaves in the same moment.
 */
const comeAndGo = Effect.fnUntraced(function* <E>({ swarm, time }: Changes<E>, churn: Churn) {
  yield* waitUntil(time, churn.fromMs)
  const anyNode = Effect.gen(function* () {
    const nodes = swarm.nodes()
    if (nodes.length < 2) return undefined
    const mayEnd = churn.stayMs === 0 ? nodes : nodes.filter((node) => swarm.activeAt(node) + churn.stayMs <= time.now)
    return mayEnd[Math.floor((yield* Random.next) * mayEnd.length)]
  })
  const endOne = (end: (node: number) => Effect.Effect<void>) =>
    Effect.flatMap(anyNode, (node) => (node === undefined ? Effect.void : end(node)))
  const kinds = [
    [churn.joinsPerMinute, Effect.asVoid(swarm.join())],
    [churn.leavesPerMinute, endOne((node) => swarm.leave(node))],
    [churn.crashesPerMinute, endOne((node) => swarm.crash(node))],
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
