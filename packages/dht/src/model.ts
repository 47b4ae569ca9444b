/**
 * The types of the DHT service's contract. The service tag (`Dht.ts`) and all modules below it use them; this file depends on
 * none of those.
 */
import type { SigningKey } from "@topic-tracker/crypto"
import type { Effect, Stream } from "effect"
import type { DhtError } from "./DhtError.ts"

/**
 * The address of a mutable item: its target is SHA-1 of public key ‖ salt (BEP 44).
 * @since 0.1.0
 * @category models
 */
export interface MutableKey {
  /** 32 bytes, Ed25519. */
  readonly publicKey: Uint8Array
  /** At most 64 bytes. */
  readonly salt?: Uint8Array
}

/**
 * A mutable item whose signature was verified.
 * @since 0.1.0
 * @category models
 */
export interface MutableItem extends MutableKey {
  /** A signed 64-bit integer, exact. */
  readonly seq: bigint
  /** The bytes of the value (a byte string on the wire), at most 995. */
  readonly value: Uint8Array
  /** 64 bytes. */
  readonly signature: Uint8Array
}

/**
 * The options of both gets and puts.
 * @since 0.1.0
 * @category options
 */
export interface CallOptions {
  /** The queries of this call go before those of other calls while `maxOpenQueries` are open. Default: false. */
  readonly priority?: boolean
}

/**
 * A callback that runs once, when the given number of nodes has done what it waits for. It does not run if the call ends
 * before.
 * @since 0.1.0
 * @category models
 */
export interface AfterNodes {
  /** At least 1. */
  readonly nodes: number
  readonly run: () => void
}

/**
 * Options of a get. Without them it asks all of the closest nodes and waits for them.
 * @since 0.1.0
 * @category options
 */
export interface GetOptions extends CallOptions {
  /**
   * The number of nodes closest to the target that are asked, provided that a lookup of the last minutes has found those nodes;
   * if none has, all k are asked. At least 1. Default: all k. For calls that are repeated: every node that a put reached holds
   * the item.
   */
  readonly nodes?: number | undefined
  /**
   * Runs when this number of the nodes closest to the target have answered and the reader has taken the items that they hold.
   * These nodes are asked first; the others are asked some 30 ms after they have answered.
   */
  readonly onNearest?: AfterNodes | undefined
  /**
   * Runs when the get is over or its reader leaves it: of the nodes nearest to the target that it has asked, at most k, so many have
   * answered and so many were late or silent. An empty stream after silence of most of them is no evidence that there is no item.
   */
  readonly onOver?: ((answered: number, silent: number) => void) | undefined
}

/**
 * An item to sign and store.
 * @since 0.1.0
 * @category models
 */
export interface PutRequest extends CallOptions {
  readonly key: SigningKey
  /** At most 64 bytes. */
  readonly salt?: Uint8Array
  /** A signed 64-bit integer. */
  readonly seq: bigint
  /** Compare-and-swap: a node that holds an item stores this one only if the held item has this seq (BEP 44). */
  readonly cas?: bigint
  /** At most 995 bytes, so that its bencoding is shorter than 1,000. */
  readonly value: Uint8Array
  /**
   * Runs when this number of nodes have stored the item. These nearest nodes get it as soon as they are found; the others get
   * it some 30 ms later.
   */
  readonly onStored?: AfterNodes | undefined
}

/**
 * The result of a put.
 * @since 0.1.0
 * @category models
 */
export interface PutReceipt {
  /** The number of nodes that confirmed that they stored the item; at least 1. */
  readonly stored: number
  /** The number of nodes asked. */
  readonly asked: number
}

/**
 * The address of a DHT node: an IPv4 address or a host name, and a UDP port.
 * @since 0.1.0
 * @category models
 */
export interface DhtAddress {
  readonly host: string
  readonly port: number
}

/**
 * A node of the DHT as BEP 5 names it.
 * @since 0.1.0
 * @category models
 */
export interface DhtNode {
  /** 20 bytes. */
  readonly id: Uint8Array
  /** An IPv4 address in dotted decimal. */
  readonly host: string
  readonly port: number
}

/**
 * Counters since the layer was built; `nodes` and `itemsStored` are present values.
 * @since 0.1.0
 * @category models
 */
export interface DhtStats {
  /** Nodes in the routing table. */
  readonly nodes: number
  readonly packetsSent: number
  readonly packetsReceived: number
  /** Datagrams that were not valid KRPC and were dropped. */
  readonly packetsMalformed: number
  readonly gets: number
  readonly puts: number
  /** Lookups begun. Gets of one key at the same time share a lookup; a put needs none if one has just ended. */
  readonly lookups: number
  /** Hosts whose names a lookup dropped, because most of the nodes that they named were silent; summed over lookups. */
  readonly sourcesDoubted: number
  /** Items received whose signature was wrong. */
  readonly itemsInvalid: number
  /** Items stored for other nodes. */
  readonly itemsStored: number
  /** Items of other nodes that were refused or dropped because there was no room. */
  readonly itemsDropped: number
  /** Queries of other nodes that were answered. */
  readonly queriesServed: number
  /** Queries of other nodes that were dropped by the limits on queries. */
  readonly queriesLimited: number
  /** Answers to other nodes that were not sent because of the limits on their bytes. */
  readonly answersLimited: number
}

/**
 * The contract of the `Dht` service.
 * @since 0.1.0
 * @category models
 */
export interface DhtService {
  /**
   * Every distinct verified item under the key, each as soon as an answer with it arrives. Ends when the lookup has the answers
   * of the closest nodes. It does not wait until the routing table is filled. An empty stream is no error.
   */
  readonly get: (key: MutableKey, options?: GetOptions) => Stream.Stream<MutableItem, DhtError>
  /** Signs the item and stores it on the nodes closest to its target. Succeeds if at least one node stored it. */
  readonly put: (request: PutRequest) => Effect.Effect<PutReceipt, DhtError>
  /** Completes when the routing table holds a node that answered; fails if none of the bootstrap nodes answers. */
  readonly bootstrapped: Effect.Effect<void, DhtError>
  /** The address to which the UDP socket is bound. */
  readonly address: Effect.Effect<DhtAddress>
  readonly stats: Effect.Effect<DhtStats>
  /** The nodes of the routing table. Given as `knownNodes`, they make the next start a warm one. */
  readonly snapshot: Effect.Effect<ReadonlyArray<DhtNode>>
}
