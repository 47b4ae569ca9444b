/** Measures a run once a second and computes its figures at the end. */
import { Effect } from "effect"
import type { DhtLoad } from "../environment/Environment.ts"
import type { WorldTime } from "../environment/WorldTime.ts"
import type { TopicScenario } from "../scenario/TopicScenario.ts"
import type { ChannelFigures } from "./ChannelLog.ts"
import type { DeliveryFigures } from "./Deliveries.ts"
import type { DhtTimeFigures } from "./DhtTimes.ts"
import { meanOf, quantile, type Spans, spansOf } from "./distribution.ts"
import type { Milestones } from "./milestones.ts"
import type { World } from "./World.ts"

/** The figures of one run, as plain data. Times are simulated ms. null: there is no such figure. */
export interface TopicFigures {
  readonly simulated_ms: number
  readonly nodes: number
  /** From the start until all nodes were one swarm for the first time. */
  readonly one_swarm_ms: number | null
  /** From a node's start to its first neighbour. */
  readonly joined_ms: Spans
  readonly never_joined: number
  /** From the end of the last partition until all nodes were one swarm. */
  readonly healed_ms: number | null
  /** From the crash until the remaining nodes were one swarm. */
  readonly recovered_ms: number | null
  /** Of nodes that came after the first ones: from their start to their first neighbour; null if there were none. */
  readonly late_joined_ms: Spans | null
  /** From the wake-up of suspended machines until all nodes were one swarm. */
  readonly awake_ms: number | null
  /** From a node's crash until a neighbour noticed it, over all such neighbours; null if there were none. */
  readonly noticed_ms: { readonly p50: number; readonly max: number } | null
  /** Connected components of the neighbour graph (bubbles) at the end, and the most at any second. */
  readonly bubbles_at_end: number
  readonly bubbles_most: number
  readonly degree: { readonly mean: number; readonly min: number; readonly max: number }
  /** New neighbours of a node per minute: in the whole run, and in its second half. */
  readonly new_neighbors_per_node_minute: number
  readonly steady_new_neighbors_per_node_minute: number
  readonly delivery: DeliveryFigures
  /** Of the channel of a members-only topic. */
  readonly channel: ChannelFigures
  readonly dht: DhtFigures
  /** The counters of all topics, summed: see TopicStats in core. */
  readonly counters: Readonly<Record<string, number>>
  /** One point a second in the first two minutes, then one in ten seconds. */
  readonly timeline: ReadonlyArray<TimelinePoint>
  readonly overlay: ReadonlyArray<OverlayPicture>
}

export interface DhtFigures extends DhtTimeFigures {
  /** Queries that the nodes of the DHT received, per node of the topic and minute. */
  readonly gets_per_topic_minute: number
  readonly puts_per_topic_minute: number
  /** The same in the second half of the run, after the nodes have found each other. */
  readonly steady_gets_per_topic_minute: number
  readonly steady_puts_per_topic_minute: number
  /** The most queries that one node of the DHT received in a minute, and its share of all queries in that minute. */
  readonly hottest_per_minute: number
  readonly hottest_share: number
}

/** What is known of a run that is under way. */
export interface PartialFigures {
  readonly simulated_ms: number
  readonly nodes: number
  readonly bubbles: number
  readonly one_swarm_ms: number | null
  readonly joined: number
  readonly degree_mean: number
  readonly broadcasts: number
  readonly delivered_share: number | null
  readonly gets_per_topic_minute: number
  readonly puts_per_topic_minute: number
}

export interface TimelinePoint {
  readonly second: number
  readonly nodes: number
  readonly bubbles: number
}

/** The neighbour graph at one second. */
export interface OverlayPicture {
  readonly second: number
  readonly nodes: ReadonlyArray<number>
  readonly links: ReadonlyArray<readonly [number, number]>
}

/** Larger swarms get no pictures: they would be unreadable. */
const MAX_PICTURE_NODES = 200
const PICTURE_SECONDS = new Set([1, 2, 5, 10, 20, 30, 60, 120, 180, 240, 300, 420, 540])

/** Sums since the start. */
interface Load {
  readonly minutes: number
  readonly newNeighbors: number
  readonly nodes: ReadonlyArray<DhtLoad>
}

export class Figures {
  readonly #scenario: TopicScenario
  readonly #time: WorldTime
  readonly #world: World
  readonly #timeline: Array<TimelinePoint> = []
  readonly #overlay: Array<OverlayPicture> = []
  #bubblesMost = 0
  /** The sums at the last whole minute, and in the middle of the run. */
  #minute: Load | undefined
  #middle: Load | undefined
  #hottest = { queries: 0, share: 0 }

  constructor(scenario: TopicScenario, time: WorldTime, world: World) {
    this.#scenario = scenario
    this.#time = time
    this.#world = world
  }

  /** To be called once a second with the seconds since the start. */
  readonly sample = Effect.fnUntraced({ self: this }, function* (second: number) {
    const [scenario, time, world] = [this.#scenario, this.#time, this.#world]
    const bubbles = world.graph.components()
    this.#bubblesMost = Math.max(this.#bubblesMost, bubbles)
    if (second <= 120 || second % 10 === 0) this.#timeline.push({ second, nodes: world.graph.size, bubbles })
    if (world.graph.size <= MAX_PICTURE_NODES && PICTURE_SECONDS.has(second)) this.#takePicture(second)
    if (second % 60 === 0) yield* this.#measureMinute
    if (this.#middle === undefined && time.now >= scenario.durationMs / 2) this.#middle = yield* this.#load()
  })

  /** The figures so far. */
  readonly soFar = Effect.fnUntraced({ self: this }, function* (milestones: Milestones) {
    const [time, world] = [this.#time, this.#world]
    const now = yield* this.#load()
    const degrees = world.graph.degrees()
    const { broadcasts, share } = world.deliveries.figures()
    const figures: PartialFigures = {
      simulated_ms: Math.round(time.now),
      nodes: world.graph.size,
      bubbles: world.graph.components(),
      one_swarm_ms: milestones.oneSwarmAt ?? null,
      joined: world.joinedAfter.size,
      degree_mean: meanOf(degrees),
      broadcasts,
      delivered_share: share,
      gets_per_topic_minute: rate(now, sumOf("gets")),
      puts_per_topic_minute: rate(now, sumOf("puts")),
    }
    return figures
  })

  readonly finish = Effect.fnUntraced({ self: this }, function* (milestones: Milestones) {
    const [scenario, time, world] = [this.#scenario, this.#time, this.#world]
    const second = Math.round(time.now / 1_000)
    yield* this.#measureMinute
    if (this.#overlay.at(-1)?.second !== second && world.graph.size <= MAX_PICTURE_NODES) this.#takePicture(second)
    const since = (from: number | undefined, to: number | undefined) =>
      from === undefined || to === undefined ? null : to - from
    const late = [...world.joinedAfter].filter(([node]) => node >= scenario.nodes).map(([, after]) => after)
    const noticed = Float64Array.from(world.crashNoticedAfter).sort()
    const degrees = world.graph.degrees()
    const end = yield* this.#load()
    const figures: TopicFigures = {
      simulated_ms: time.now,
      nodes: world.graph.size,
      one_swarm_ms: milestones.oneSwarmAt ?? null,
      joined_ms: spansOf([...world.joinedAfter.values()]),
      never_joined: world.graph.nodes().filter((node) => !world.joinedAfter.has(node)).length,
      healed_ms: since(milestones.partitionsOverAt, milestones.healedAt),
      recovered_ms: since(milestones.crashedAt, milestones.recoveredAt),
      late_joined_ms: late.length === 0 ? null : spansOf(late),
      awake_ms: since(milestones.awokeAt, milestones.rejoinedAt),
      noticed_ms: noticed.length === 0 ? null : { p50: quantile(noticed, 0.5), max: noticed.at(-1)! },
      bubbles_at_end: world.graph.components(),
      bubbles_most: this.#bubblesMost,
      degree: {
        mean: meanOf(degrees),
        min: Math.min(...degrees),
        max: Math.max(...degrees),
      },
      new_neighbors_per_node_minute: rate(end, ({ newNeighbors }) => newNeighbors),
      steady_new_neighbors_per_node_minute: rate(end, ({ newNeighbors }) => newNeighbors, this.#middle),
      delivery: world.deliveries.figures(),
      channel: world.channels.figures(),
      dht: this.#dhtFigures(end),
      counters: { ...(yield* world.counters()) },
      timeline: this.#timeline,
      overlay: this.#overlay,
    }
    return figures
  })

  #load(): Effect.Effect<Load> {
    const { environment, graph, nodeMinutes } = this.#world
    return Effect.map(environment.load, (nodes) => ({ minutes: nodeMinutes, newNeighbors: graph.newNeighbors, nodes }))
  }

  readonly #measureMinute = Effect.gen({ self: this }, function* () {
    const load = yield* this.#load()
    const before = this.#minute
    this.#minute = load
    if (before === undefined) return
    let [all, most] = [0, 0]
    for (const [i, { gets, puts }] of load.nodes.entries()) {
      const past = before.nodes[i]
      const queries = gets + puts - (past === undefined ? 0 : past.gets + past.puts)
      all += queries
      most = Math.max(most, queries)
    }
    if (most > this.#hottest.queries) this.#hottest = { queries: most, share: most / all }
  })

  #dhtFigures(end: Load): DhtFigures {
    return {
      gets_per_topic_minute: rate(end, sumOf("gets")),
      puts_per_topic_minute: rate(end, sumOf("puts")),
      steady_gets_per_topic_minute: rate(end, sumOf("gets"), this.#middle),
      steady_puts_per_topic_minute: rate(end, sumOf("puts"), this.#middle),
      hottest_per_minute: this.#hottest.queries,
      hottest_share: this.#hottest.share,
      ...this.#world.dhtTimes.figures(),
    }
  }

  #takePicture(second: number): void {
    const { graph } = this.#world
    this.#overlay.push({ second, nodes: graph.nodes(), links: graph.links() })
  }
}

/** The queries of this kind that all nodes of the DHT received. */
const sumOf =
  (kind: "gets" | "puts") =>
  ({ nodes }: Load): number =>
    nodes.reduce((total, node) => total + node[kind], 0)

/** The sum per node and minute, from `from` (default: the start) to the end. */
const rate = (end: Load, sum: (load: Load) => number, from?: Load): number => {
  const minutes = end.minutes - (from?.minutes ?? 0)
  return minutes === 0 ? 0 : (sum(end) - (from === undefined ? 0 : sum(from))) / minutes
}
