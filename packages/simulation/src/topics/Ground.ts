/**
 * What lies under the nodes of a world: a DHT and links between them, in memory or of real sockets. The world above knows who
 * is there and what each of them does; the ground knows what gets from one to the other.
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

export interface Ground {
  /** The results of cryptography may be shared by all nodes of a world. */
  readonly crypto: Layer.Layer<Crypto>
  /** What the node of this index stands on. */
  readonly node: (index: number) => Layer.Layer<Dht | Gossip | AddressLookup, DhtError | GossipError, Identity | Crypto>
  /** The node is there, under this key. Called once, before it sends anything. */
  readonly add: (index: number, endpointId: EndpointId.EndpointId) => void
  /** Nothing gets from one group to another, nor to the DHT of another when the DHT is split too. Node i is in group i mod n. */
  readonly split: (groups: number, dht: boolean) => void
  /** Ends all partitions. */
  readonly heal: () => void
  /** Nothing gets to or from the node any more. */
  readonly silence: (index: number) => void
  /** The node does not use the DHT any more. */
  readonly gone: (index: number) => void
  /** By node of the DHT. */
  readonly load: Effect.Effect<ReadonlyArray<DhtLoad>>
}
