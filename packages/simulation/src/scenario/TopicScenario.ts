/** A scenario of whole topics, as plain data with all defaults filled in. Times are ms; shares and chances are 0 to 1. */
import type { TopicConfig } from "@topic-tracker/core"
import type { GossipConfigInput } from "@topic-tracker/gossip"
import type { DhtSettings } from "./DhtSettings.ts"
import type { LinkSettings } from "./LinkSettings.ts"
import type { TopicScenarioTable } from "./topicTables.ts"

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
  /** No node leaves or crashes sooner after its start and its last words in a channel. */
  readonly stayMs: number
}

/** Nodes that come when the others have been there for a while, one after the other. */
export interface LateNodes {
  readonly atMs: number
  readonly nodes: number
  readonly everyMs: number
}

/** A share of the nodes is suspended, as laptops whose lids are closed, and wakes up again. */
export interface Suspension {
  readonly atMs: number
  readonly forMs: number
  readonly share: number
}

export interface Broadcasts {
  /** Undefined: 5 s after all nodes have become one swarm. */
  readonly fromMs: number | undefined
  readonly everyMs: number
  readonly count: number
  readonly bytes: number
}

/** All nodes take part in a members-only topic and hear one channel of it. */
export interface ChannelTraffic {
  /** The nodes that speak, in turns: the first ones. */
  readonly authors: number
  readonly count: number
  readonly everyMs: number
  readonly bytes: number
  /** The first author also says one message of so many bytes, at the same time; 0: none. */
  readonly largeBytes: number
  /** Each node that joins after the first ones speaks at once, and another one speaks to it. */
  readonly firstWords: boolean
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
  readonly late: LateNodes | undefined
  readonly suspension: Suspension | undefined
  readonly churn: Churn | undefined
  readonly broadcasts: Broadcasts | undefined
  readonly channel: ChannelTraffic | undefined
  readonly topic: TopicConfig.TopicConfigInput
  readonly gossip: GossipConfigInput
  readonly expect: Expectations
}

/** The scenario's name with its variant: `one-swarm[nodes=100]`. */
export const topicLabel = ({ name, variant }: Pick<TopicScenario, "name" | "variant">): string => {
  const parts = Object.entries(variant).map(([key, value]) => `${key}=${value}`)
  return parts.length === 0 ? name : `${name}[${parts.join(" ")}]`
}
