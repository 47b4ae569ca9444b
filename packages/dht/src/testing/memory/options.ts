/** The settings of the simulated network, its faults, and what a test can change and read. */
import type { Crypto } from "@topic-tracker/crypto"
import type { Duration, Effect } from "effect"
import type { DhtService, MutableItem, MutableKey } from "../../model.ts"

/**
 * The faults of the network. Shares and chances are 0 to 1. Default: 0 for all.
 * @since 0.1.0
 * @category models
 */
export interface MemoryFaults {
  /** Share of the nodes that never answer. */
  readonly dead: number
  /** Share of the nodes that answer with the item they held before the present one, and forget nothing. */
  readonly stale: number
  /** Share of the nodes that keep the first of two items with the same seq; the others overwrite. */
  readonly keepFirst: number
  /** Chance that one node does not receive a put. */
  readonly lostPuts: number
  /** Chance that one node does not receive a get. */
  readonly lostGets: number
}

/**
 * The faults and the size of a DHT in memory.
 *
 * @since 0.1.0
 * @category options
 */
export interface MemoryDhtOptions extends Partial<MemoryFaults> {
  /** Number of virtual nodes. Default: 200. */
  readonly nodes?: number
  /** The number of closest nodes that hold an item. Default: 20. */
  readonly k?: number
  /** The time for which a node stores an item after its last put. Default: 2 hours. */
  readonly itemTtl?: Duration.Duration
  /** One round trip in ms, given an evenly drawn number from 0 to 1. Default: 0. */
  readonly latency?: (chance: number) => number
  /**
   * Round trips of a lookup, including the one to the closest nodes. Default: 2. A get of a few nodes that are known already takes
   * one.
   */
  readonly hops?: number
  /** The same for a client whose first lookup is not over, so that it knows only bootstrap nodes. Default: `hops`. */
  readonly coldHops?: number
  /**
   * The time in ms that a lookup waits for a node that does not answer before it asks another. Default: 0. If set, puts wait too:
   * for nodes that have answered before, in proportion to the time that took.
   */
  readonly lostDelay?: number
  /**
   * The gets that one node answers in a second for all clients together, after a burst of three seconds' worth; it drops the others.
   * libtorrent sends 8,000 bytes a second (`dht_upload_rate_limit`), some 8 answers with a record. Default: 0, no limit.
   */
  readonly getsPerSecond?: number
  /** The time in ms that a dead node among the closest costs a lookup. Default: 0. */
  readonly deadDelay?: number
}

/**
 * What one client of a DHT in memory can do.
 *
 * @since 0.1.0
 * @category options
 */
export interface MemoryClientOptions {
  /** Whether this client can reach a virtual node, given its index. Called at each get and put. Default: it reaches all. */
  readonly reaches?: (node: number) => boolean
}

/**
 * Queries that one virtual node has received.
 * @since 0.1.0
 * @category models
 */
export interface NodeLoad {
  readonly gets: number
  readonly puts: number
}

/**
 * An item that is stored as it is, against all rules.
 * @since 0.1.0
 * @category models
 */
export interface Injection extends MutableKey {
  readonly seq: bigint
  readonly value: Uint8Array
  /** 64 bytes. Default: a wrong signature. */
  readonly signature?: Uint8Array
  /** The number of closest nodes that get it. Default: all k. */
  readonly nodes?: number
}

/**
 * A simulated network; `client` makes one participant.
 * @since 0.1.0
 * @category models
 */
export interface MemoryDhtNetwork {
  readonly client: (options?: MemoryClientOptions) => Effect.Effect<DhtService, never, Crypto>
  /** Changes the faults from now on. Which nodes are dead, stale or keep the first is drawn again where given. */
  readonly setFaults: (faults: Partial<MemoryFaults>) => Effect.Effect<void>
  readonly inject: (injection: Injection) => Effect.Effect<void>
  /** The items of the k closest live nodes under the key, closest first; undefined for a node that holds none. */
  readonly slots: (key: MutableKey) => Effect.Effect<ReadonlyArray<MutableItem | undefined>>
  /** Queries received by each virtual node since the network was made. */
  readonly load: Effect.Effect<ReadonlyArray<NodeLoad>>
}
