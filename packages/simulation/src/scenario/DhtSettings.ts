/**
 * The DHT of a scenario, as plain data. There are two models: `FixedHops`, in which a lookup has a length and no path, and
 * `Mainline`, in which the production client finds its way through routing tables. Times are ms; shares and chances are 0 to 1.
 */
import type { Delay } from "./Delay.ts"

/** Nodes that hold items and have no routing tables: a lookup is so many round trips long. */
export interface FixedHopsSettings {
  readonly model: "fixed-hops"
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
  /** The gets that one node answers in a second for all together; 0: no limit. */
  readonly getsPerSecond: number
  /** The additional time of a lookup for each dead node that it waits for. */
  readonly deadDelayMs: number
  readonly hostile: HostileSettings | undefined
}

/** Nodes with partial routing tables under the production client, which speaks KRPC with them. */
export interface MainlineSettings {
  readonly model: "mainline"
  /** Nodes that are there. */
  readonly alive: number
  /** Share of the contacts in routing tables that are gone. */
  readonly dead: number
  /** Share of the nodes that do not answer get and put, because they do not know BEP 44. */
  readonly mute: number
  /** Chance that a node knows another one of a part of the id space that it could know completely. */
  readonly knowledge: number
  /** Share of the nodes that keep the first of two items with an equal sequence number. */
  readonly keepFirst: number
  /** The number of nodes that an answer names. */
  readonly names: number
  /** The round trip to a node, which is the same at each query. */
  readonly roundTrip: Delay
  /** The most that chance adds to each way of a packet. */
  readonly jitterMs: number
  /** Chance that a packet is lost, each way. */
  readonly loss: number
  /** Bytes of answers a second that one node sends to all askers together, after three seconds' worth at once; 0: no limit. */
  readonly answerBytesPerSecond: number
  /** Share of the four bootstrap nodes that are gone, rounded to whole nodes. */
  readonly bootstrapDead: number
  readonly hostile: HostileSettings | undefined
}

export type DhtSettings = FixedHopsSettings | MainlineSettings

/** An attacker that knows the topic's name but not its secret: it puts values into the slot of the current minute. */
export interface HostileSettings {
  readonly everyMs: number
  /** True: valid signatures, on all nodes of the slot. False: invalid signatures, on `nodes` of them. */
  readonly signed: boolean
  readonly nodes: number
}

/**
 * `real` is the public DHT as measurements describe it: Jimenez, Osmani, Knutsson, "Sub-second lookups on a large-scale
 * Kademlia-based overlay", P2P 2011 (round trips, dead contacts); the same authors, "Connectivity properties of Mainline BitTorrent
 * DHT nodes", P2P 2009; Wang, Kangasharju, P2P 2013 (size). The rate is libtorrent's `dht_upload_rate_limit`. `easy` and `hard` are the
 * network on a good and on a bad day.
 */
export const mainlinePresets = {
  easy: { dead: 0.1, mute: 0, loss: 0, jitterMs: 2, medianMs: 60, sigma: 0.3 },
  real: { dead: 0.4, mute: 0.1, loss: 0.02, jitterMs: 5, medianMs: 120, sigma: 0.7 },
  hard: { dead: 0.6, mute: 0.2, loss: 0.05, jitterMs: 5, medianMs: 150, sigma: 0.9 },
} as const

/** The addresses of the mainline model, for live and dead nodes together. */
export const MAX_MAINLINE_NODES = 2 ** 24

export type MainlinePreset = keyof typeof mainlinePresets

/** The settings of a preset. */
export const mainlinePreset = (name: MainlinePreset): MainlineSettings => {
  const { medianMs, sigma, ...rest } = mainlinePresets[name]
  return {
    model: "mainline",
    alive: 4_000_000,
    knowledge: 0.85,
    keepFirst: 0.5,
    names: 8,
    answerBytesPerSecond: 8_000,
    bootstrapDead: 0.25,
    roundTrip: { _tag: "LogNormal", medianMs, sigma },
    hostile: undefined,
    ...rest,
  }
}
