/** What is measured in a run, and the figures it comes to. */
import { Effect } from "effect"
import type { DeliveryFigures } from "./Deliveries.ts"
import { quantile } from "./Deliveries.ts"
import type { DhtTimeFigures } from "./DhtTimes.ts"
import type { DhtLoad } from "./Ground.ts"
import type { Milestones } from "./plans.ts"
import type { TopicScenario } from "./TopicScenario.ts"
import type { World } from "./World.ts"
import type { WorldTime } from "./WorldTime.ts"

/** The figures of one run: plain data. Times are simulated milliseconds; null where there is no such figure. */
export interface TopicFigures {
  readonly simulated_ms: number
  readonly nodes: number
  /** From the beginning until all nodes were one swarm for the first time. */
  readonly one_swarm_ms: number | null
  /** From a node's start to its first neighbour. */
  readonly joined_ms: { readonly p50: number; readonly p99: number; readonly max: number }
  readonly never_joined: number
  /** From the end of the last partition until all were one swarm. */
  readonly healed_ms: number | null
  /** From the crash until those left were one swarm. */
  readonly recovered_ms: number | null
  /** From a node's crash until a neighbour of it had noticed, over all such neighbours; null when none had any to notice. */
  readonly noticed_ms: { readonly p50: number; readonly max: number } | null
  readonly bubbles_at_end: number
  readonly bubbles_most: number
  readonly degree: { readonly mean: number; readonly min: number; readonly max: number }
  /** New neighbours of a node in a minute, and the same in the second half of the run. */
  readonly new_neighbors_per_node_minute: number
  readonly steady_new_neighbors_per_node_minute: number
  readonly delivery: DeliveryFigures
  readonly dht: DhtFigures
  /** What all topics did, together: see TopicStats. */
  readonly counters: Readonly<Record<string, number>>
  /** Once a second in the first two minutes, once in ten later. */
  readonly timeline: ReadonlyArray<TimelinePoint>
  readonly overlay: ReadonlyArray<OverlayPicture>
}

export interface DhtFigures extends DhtTimeFigures {
  /** Queries that nodes of the DHT received, for each topic and minute. */
  readonly gets_per_topic_minute: number
  readonly puts_per_topic_minute: number
  /** The same in the second half of the run, when the nodes have found each other. */
  readonly steady_gets_per_topic_minute: number
  readonly steady_puts_per_topic_minute: number
  /** The most queries that one node of the DHT received in a minute, and its share of all in that minute. */
  readonly hottest_per_minute: number
  readonly hottest_share: number
}

export interface TimelinePoint {
  readonly second: number
  readonly nodes: number
  readonly bubbles: number
}

/** The swarm's links at a moment. */
export interface OverlayPicture {
  readonly second: number
  readonly nodes: ReadonlyArray<number>
  readonly links: ReadonlyArray<readonly [number, number]>
}

/** Runs of more nodes keep no pictures: nobody could see anything in them. */
const overlayNodes = 200
const overlaySeconds = new Set([1, 2, 5, 10, 20, 30, 60, 120, 180, 240, 300, 420, 540])

/** What has added up since the beginning. */
interface Load {
  readonly minutes: number
  readonly newNeighbors: number
  readonly nodes: ReadonlyArray<DhtLoad>
}

export class Figures {
  private readonly scenario: TopicScenario
  private readonly time: WorldTime
  private readonly world: World
  private readonly timeline: Array<TimelinePoint> = []
  private readonly overlay: Array<OverlayPicture> = []
  private bubblesMost = 0
  /** At the last whole minute, and in the middle of the run. */
  private minute: Load | undefined
  private middle: Load | undefined
  private hottest = { queries: 0, share: 0 }

  constructor(scenario: TopicScenario, time: WorldTime, world: World) {
    this.scenario = scenario
    this.time = time
    this.world = world
  }

  /** Once a second: `second` since the beginning. */
  readonly sample = Effect.fnUntraced({ self: this }, function* (second: number) {
    const { scenario, time, world } = this
    const bubbles = world.swarm.bubbles()
    this.bubblesMost = Math.max(this.bubblesMost, bubbles)
    if (second <= 120 || second % 10 === 0) this.timeline.push({ second, nodes: world.swarm.size, bubbles })
    if (world.swarm.size <= overlayNodes && overlaySeconds.has(second)) this.takePicture(second)
    if (second % 60 === 0) yield* this.measureMinute
    if (this.middle === undefined && time.now >= scenario.durationMs / 2) this.middle = yield* this.load
  })

  readonly finish = Effect.fnUntraced({ self: this }, function* (milestones: Milestones) {
    const { time, world } = this
    const second = Math.round(time.now / 1_000)
    yield* this.measureMinute
    if (this.overlay.at(-1)?.second !== second && world.swarm.size <= overlayNodes) this.takePicture(second)
    const since = (from: number | undefined, to: number | undefined) =>
      from === undefined || to === undefined ? null : to - from
    const joined = Float64Array.from(world.joinedAfter.values()).sort()
    const noticed = Float64Array.from(world.crashNoticedAfter).sort()
    const degrees = world.swarm.degrees()
    const end = yield* this.load
    const figures: TopicFigures = {
      simulated_ms: time.now,
      nodes: world.swarm.size,
      one_swarm_ms: milestones.oneSwarmAt ?? null,
      joined_ms: { p50: quantile(joined, 0.5), p99: quantile(joined, 0.99), max: joined.at(-1) ?? 0 },
      never_joined: world.swarm.nodes().filter((node) => !world.joinedAfter.has(node)).length,
      healed_ms: since(milestones.partitionsOverAt, milestones.healedAt),
      recovered_ms: since(milestones.crashedAt, milestones.recoveredAt),
      noticed_ms: noticed.length === 0 ? null : { p50: quantile(noticed, 0.5), max: noticed.at(-1)! },
      bubbles_at_end: world.swarm.bubbles(),
      bubbles_most: this.bubblesMost,
      degree: {
        mean: degrees.reduce((sum, degree) => sum + degree, 0) / Math.max(1, degrees.length),
        min: Math.min(...degrees),
        max: Math.max(...degrees),
      },
      new_neighbors_per_node_minute: rate(end, ({ newNeighbors }) => newNeighbors),
      steady_new_neighbors_per_node_minute: rate(end, ({ newNeighbors }) => newNeighbors, this.middle),
      delivery: world.deliveries.figures(),
      dht: this.dhtFigures(end),
      counters: { ...(yield* world.counters) },
      timeline: this.timeline,
      overlay: this.overlay,
    }
    return figures
  })

  private get load(): Effect.Effect<Load> {
    const { ground, nodeMinutes, swarm } = this.world
    return Effect.map(ground.load, (nodes) => ({ minutes: nodeMinutes, newNeighbors: swarm.newNeighbors, nodes }))
  }

  private readonly measureMinute = Effect.gen({ self: this }, function* () {
    const load = yield* this.load
    const before = this.minute
    this.minute = load
    if (before === undefined) return
    let [all, most] = [0, 0]
    for (const [i, { gets, puts }] of load.nodes.entries()) {
      const queries = gets + puts - before.nodes[i]!.gets - before.nodes[i]!.puts
      all += queries
      most = Math.max(most, queries)
    }
    if (most > this.hottest.queries) this.hottest = { queries: most, share: most / all }
  })

  private dhtFigures(end: Load): DhtFigures {
    const sum =
      (kind: "gets" | "puts") =>
      ({ nodes }: Load) =>
        nodes.reduce((total, node) => total + node[kind], 0)
    return {
      gets_per_topic_minute: rate(end, sum("gets")),
      puts_per_topic_minute: rate(end, sum("puts")),
      steady_gets_per_topic_minute: rate(end, sum("gets"), this.middle),
      steady_puts_per_topic_minute: rate(end, sum("puts"), this.middle),
      hottest_per_minute: this.hottest.queries,
      hottest_share: this.hottest.share,
      ...this.world.dhtTimes.figures(),
    }
  }

  private takePicture(second: number): void {
    const { swarm } = this.world
    this.overlay.push({ second, nodes: swarm.nodes(), links: swarm.links() })
  }
}

/** How much of it there was in a minute of one node, from then on. */
const rate = (end: Load, sum: (load: Load) => number, from?: Load): number => {
  const minutes = end.minutes - (from?.minutes ?? 0)
  return minutes === 0 ? 0 : (sum(end) - (from === undefined ? 0 : sum(from))) / minutes
}
