/**
 * Mutable items of the mainline DHT (BEP 5, BEP 44) as a service: one client, one UDP socket and one routing table for all
 * topics of a process. It knows nothing of topics or records.
 */
import type { SigningKey } from "@topic-tracker/crypto"
import { Context, type Effect, Schema, type Stream } from "effect"

/** Where a mutable item lives: its target is SHA-1 of public key ‖ salt (BEP 44). */
export interface MutableKey {
  /** 32 bytes, Ed25519. */
  readonly publicKey: Uint8Array
  /** At most 64 bytes. */
  readonly salt?: Uint8Array
}

/** A mutable item whose signature held. */
export interface MutableItem extends MutableKey {
  /** A signed 64-bit integer, exact. */
  readonly seq: bigint
  /** The value's bytes (a bencoded byte string on the wire); with its bencoding shorter than 1,000 bytes. */
  readonly value: Uint8Array
  /** 64 bytes. */
  readonly signature: Uint8Array
}

export interface PutRequest {
  readonly key: SigningKey
  readonly salt?: Uint8Array
  readonly seq: bigint
  /** Compare-and-swap: store only over an item of this seq (BEP 44). */
  readonly cas?: bigint
  readonly value: Uint8Array
}

export interface PutReceipt {
  /** How many nodes answered that they stored it; at least 1. */
  readonly stored: number
  /** How many nodes were asked. */
  readonly asked: number
}

export class DhtError extends Schema.TaggedError<DhtError>()("DhtError", {
  reason: Schema.Literals(["NoNodes", "Timeout", "Rejected", "InvalidArgument", "Bind", "Closed"]),
  message: Schema.String,
}) {}

export interface DhtAddress {
  readonly host: string
  readonly port: number
}

/** Counters since the layer was built. */
export interface DhtStats {
  readonly nodes: number
  readonly packetsSent: number
  readonly packetsReceived: number
  /** Datagrams that were not valid KRPC and were dropped. */
  readonly packetsMalformed: number
  readonly gets: number
  readonly puts: number
}

export class Dht extends Context.Service<
  Dht,
  {
    /**
     * Every distinct verified item found under the key, each as the answer that held it arrives; ends when the walk has
     * heard the closest nodes. It does not wait for the routing table. An empty stream is no error.
     */
    readonly get: (key: MutableKey) => Stream.Stream<MutableItem, DhtError>
    /** Signs the item and stores it on the nodes closest to its target; succeeds when at least one stored it. */
    readonly put: (request: PutRequest) => Effect.Effect<PutReceipt, DhtError>
    /** Completes once the routing table holds a node that answered; fails when none of the bootstrap nodes does. */
    readonly bootstrapped: Effect.Effect<void, DhtError>
    /** Where the UDP socket is bound. */
    readonly address: Effect.Effect<DhtAddress>
    readonly stats: Effect.Effect<DhtStats>
  }
>()("@topic-tracker/dht/Dht") {}
