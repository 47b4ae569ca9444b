/**
 * The environment of the nodes: a DHT and the links between nodes, in memory (`memoryEnvironment`) or over real packets
 * (`sockets/socketEnvironment`). An environment knows nothing of topics; `world/World.ts` decides which nodes exist and what each
 * of them does.
 */
import type { Crypto, EndpointId, Identity } from "@topic-tracker/crypto"
import type { Dht, DhtError } from "@topic-tracker/dht"
import type { AddressLookup, Gossip, GossipError } from "@topic-tracker/gossip"
import type { Effect, Layer } from "effect"

/** Queries that one node of the DHT has received. */
export interface DhtLoad {
  readonly gets: number
  readonly puts: number
}

export interface Environment {
  /** Cryptography for all nodes; results may be shared between nodes. */
  readonly crypto: Layer.Layer<Crypto>
  /** The services of the node with this index. */
  readonly node: (index: number) => Layer.Layer<Dht | Gossip | AddressLookup, DhtError | GossipError, Identity | Crypto>
  /** Connects the node's endpoint. Called once, before the node sends anything. */
  readonly addNode: (index: number, endpointId: EndpointId.EndpointId) => void
  /**
   * Cuts the network into groups: node i is in group i mod n, and no packet passes between groups. If `dht` is true, each group
   * has its share of the DHT's nodes only.
   */
  readonly partition: (groups: number, dht: boolean) => void
  /** Ends all partitions. */
  readonly heal: () => void
  /** From now on no packet reaches the node or leaves it. */
  readonly cutOff: (index: number) => void
  /** The machine is suspended: nothing reaches the node or leaves it, the DHT included, until `wake`. */
  readonly suspend?: (index: number) => void
  /** The machine runs again, and notices that its network is another one. */
  readonly wake?: (index: number) => void
  /** The node has left and no longer uses the DHT. */
  readonly removeNode: (index: number) => void
  /** One entry for each node of the DHT, or for each that was asked, in the order of their first queries. */
  readonly load: Effect.Effect<ReadonlyArray<DhtLoad>>
  /** Of the 20 nodes of the DHT that are truly the nearest to the target, those that hold an item under it; only of a mainline. */
  readonly nearestHolding?: ((target: Uint8Array) => number) | undefined
}
