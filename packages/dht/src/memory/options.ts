/** What of the simulated network can be set, changed and looked at. */
import type { Crypto } from "@topic-tracker/crypto"
import type { Duration, Effect } from "effect"
import type { Dht, MutableItem, MutableKey } from "../Dht.ts"

/** What goes wrong in the network. Shares and chances are 0 to 1; all are 0 unless set. */
export interface MemoryFaults {
  /** Share of the nodes that never answer. */
  readonly dead: number
  /** Share of the nodes that answer with the item they held before the present one, and forget nothing. */
  readonly stale: number
  /** Share of the nodes that keep the first of two items of one seq; the others overwrite. */
  readonly keepFirst: number
  /** Chance that one node does not get a put, or a get. */
  readonly lostPuts: number
  readonly lostGets: number
}

export interface MemoryDhtOptions extends Partial<MemoryFaults> {
  /** Virtual nodes; 200 unless set. */
  readonly nodes?: number
  /** How many of the closest nodes hold an item; 20 unless set. */
  readonly k?: number
  /** How long a node keeps an item after its last put; 2 hours unless set. */
  readonly itemTtl?: Duration.Duration
  /** One round trip in ms, given a number drawn evenly from 0 to 1; 0 unless set. */
  readonly latency?: (chance: number) => number
  /** Round trips of a walk, the one to the closest nodes too; 2 unless set. One is enough to ask a few that are known from before. */
  readonly hops?: number
  /** The same for a client whose first walk is not over, and which knows nobody but bootstrap nodes; `hops` unless set. */
  readonly coldHops?: number
  /**
   * How long a walk waits, in ms, for a node that leaves a query unanswered, before it asks another; 0 unless set. With it,
   * puts wait too: for nodes that have answered before, by what that took.
   */
  readonly lostDelay?: number
  /** What a dead node among the closest costs a walk, in ms; 0 unless set. */
  readonly deadDelay?: number
}

export interface MemoryClientOptions {
  /** Which virtual nodes, by index, this client can reach; all unless set. It is asked at each get and put. */
  readonly reaches?: (node: number) => boolean
}

/** Queries that one virtual node has received. */
export interface NodeLoad {
  readonly gets: number
  readonly puts: number
}

/** An item put into slots as it stands, whatever the rules say. */
export interface Injection extends MutableKey {
  readonly seq: bigint
  readonly value: Uint8Array
  /** 64 bytes; left out, a signature that does not hold. */
  readonly signature?: Uint8Array
  /** How many of the closest nodes get it; all k unless set. */
  readonly nodes?: number
}

/** The simulated network; `client` makes one participant. */
export interface MemoryNetwork {
  readonly client: (options?: MemoryClientOptions) => Effect.Effect<Dht["Service"], never, Crypto>
  /** Changes what goes wrong from now on; which nodes are dead, stale or keep the first is drawn anew where given. */
  readonly setFaults: (faults: Partial<MemoryFaults>) => Effect.Effect<void>
  readonly inject: (injection: Injection) => Effect.Effect<void>
  /** What the k closest live nodes hold under the key, closest first; undefined where nothing is. */
  readonly slots: (key: MutableKey) => Effect.Effect<ReadonlyArray<MutableItem | undefined>>
  /** Queries received by each virtual node since the network was made. */
  readonly load: Effect.Effect<ReadonlyArray<NodeLoad>>
}
