/** A scenario of whole topics, as plain data with all defaults filled in. Times are ms; shares and chances are 0 to 1. */
import type { TopicConfig } from "@topic-tracker/core"
import type { GossipConfigInput } from "@topic-tracker/gossip"
import type { Delay } from "./Delay.ts"
import type { LinkSettings } from "./LinkSettings.ts"
import type { TopicScenarioTable } from "./topicTables.ts"

/** The DHT and its faults. */
export interface DhtSettings {
  readonly nodes: number
  /** The number of closest nodes that store an item. */
  readonly k: number
  /** A round trip to a DHT node. */
  readonly latency: Delay
  /** Round trips of a lookup, and of the first lookups of a node. */
  readonly hops: number
  readonly coldHops: number
  /** The time for which a client waits for an answer that is lost. */
  readonly lostDelayMs: number
  /** Share of the nodes that are dead but still in routing tables. */
  readonly dead: number
  /** Share of the nodes that answer with what they held before the last put. */
  readonly stale: number
  /** Share of the nodes that keep the first of two items with an equal sequence number. */
  readonly keepFirst: number
  readonly lostGets: number
  readonly lostPuts: number
  /** The additional time of a lookup for each dead node that it waits for. */
  readonly deadDelayMs: number
  readonly hostile: HostileSettings | undefined
}

/** An attacker that knows the topic's name but not its secret: it puts values into the slot of the current minute. */
export interface HostileSettings {
  readonly everyMs: number
  /** True: valid signatures, on all nodes of the slot. False: invalid signatures, on `nodes` of them. */
  readonly signed: boolean
  readonly nodes: number
}

/** For a time the network is cut into equal groups, and the DHT with it if `dht` is true. */
export interface Partition {
  readonly atMs: number
  readonly forMs: number
  readonly groups: number
  readonly dht: boolean
}

export interface Churn {
  readonly joinsPerMinute: number
  readonly leavesPerMinute: number
  readonly crashesPerMinute: number
  readonly fromMs: number
  readonly untilMs: number
}

export interface Broadcasts {
  /** Undefined: 5 s after all nodes have become one swarm. */
  readonly fromMs: number | undefined
  readonly everyMs: number
  readonly count: number
  readonly bytes: number
}

/** Conditions that each run must meet, named as in files. A run without the figure does not meet the condition. */
export type Expectations = (typeof TopicScenarioTable.Type)["expect"] & object

/** The varied keys of a scenario and their values. */
export type Variant = Readonly<Record<string, number | string | boolean>>

export interface TopicScenario {
  readonly name: string
  /** Distinguishes the scenarios of one name. */
  readonly variant: Variant
  readonly nodes: number
  readonly durationMs: number
  /** The time within which the nodes start, at random moments; 0: all at once. */
  readonly arriveOverMs: number
  /** True: the run ends when all that is planned has happened and all nodes are one swarm. */
  readonly stopEarly: boolean
  /** Second of the minute at which the run starts; undefined: the seed decides. */
  readonly startSecond: number | undefined
  /** Upper bound of each clock's error, in both directions. */
  readonly clockSkewMs: number
  /** "dht": nodes look a key's address up in the DHT before they dial. "known": all addresses are known. */
  readonly addresses: "dht" | "known"
  readonly links: LinkSettings
  readonly dht: DhtSettings
  readonly partitions: ReadonlyArray<Partition>
  readonly crash: { readonly atMs: number; readonly share: number } | undefined
  readonly churn: Churn | undefined
  readonly broadcasts: Broadcasts | undefined
  readonly topic: TopicConfig.TopicConfigInput
  readonly gossip: GossipConfigInput
  readonly expect: Expectations
}

/** The scenario's name with its variant: `one-swarm[nodes=100]`. */
export const topicLabel = ({ name, variant }: Pick<TopicScenario, "name" | "variant">): string => {
  const parts = Object.entries(variant).map(([key, value]) => `${key}=${value}`)
  return parts.length === 0 ? name : `${name}[${parts.join(" ")}]`
}
