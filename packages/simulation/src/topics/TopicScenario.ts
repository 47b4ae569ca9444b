/** A scenario of whole topics: what a configuration file asks for, as plain data with all defaults in their place. */
import type { TopicConfig } from "@topic-tracker/core"
import type { GossipConfigInput } from "@topic-tracker/gossip"
import type { Delay } from "../model/Delay.ts"
import type { LinkSettings } from "../model/LinkModel.ts"
import type { Scenario } from "./configSchema.ts"

/** What goes wrong in the DHT. Shares and chances are 0 to 1. */
export interface DhtSettings {
  readonly nodes: number
  /** How many of the closest nodes hold an item. */
  readonly k: number
  /** A round trip to a DHT node. */
  readonly latency: Delay
  /** Round trips of a walk, and of the walks of a node that has just come. */
  readonly hops: number
  readonly coldHops: number
  /** How long an answer that is lost is waited for, in ms. */
  readonly lostDelayMs: number
  readonly dead: number
  readonly stale: number
  readonly keepFirst: number
  readonly lostGets: number
  readonly lostPuts: number
  /** What waiting for a dead node costs a walk, in ms. */
  readonly deadDelayMs: number
  /** Somebody who knows the topic, but not the secret, puts values of his own into the current slot. */
  readonly hostile:
    | {
        readonly everyMs: number
        /** Signed as the slot's items are, on all its nodes, or with signatures that do not hold, on some. */
        readonly signed: boolean
        readonly nodes: number
      }
    | undefined
}

/** The network is split into equal groups, and the DHT with it unless `dht` says no. */
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
  /** Undefined: from the moment that all are one swarm, and 5 s. */
  readonly fromMs: number | undefined
  readonly everyMs: number
  readonly count: number
  readonly bytes: number
}

/** What must be true of every run, named as in files. Times in ms; a figure that a run does not have fails. */
export type Expectations = (typeof Scenario.Type)["expect"] & object

export interface TopicScenario {
  readonly name: string
  /** What tells it from others of its name: the varied keys and their values here. */
  readonly variant: Readonly<Record<string, number | string | boolean>>
  readonly nodes: number
  readonly durationMs: number
  /** Over how long the nodes trickle in; 0: all at once. */
  readonly arriveOverMs: number
  /** Ends before its duration when all that is planned has happened and all are one swarm. */
  readonly stopEarly: boolean
  /** Second of the minute at which the world begins; undefined: drawn. */
  readonly startSecond: number | undefined
  /** Each node's clock is off by up to so much, either way. */
  readonly clockSkewMs: number
  /** Whether nodes must look up in the DHT where a key is to be reached, or know it. */
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

/** `one-swarm[nodes=100]`. */
export const labelOf = ({ name, variant }: Pick<TopicScenario, "name" | "variant">): string => {
  const parts = Object.entries(variant).map(([key, value]) => `${key}=${value}`)
  return parts.length === 0 ? name : `${name}[${parts.join(" ")}]`
}
