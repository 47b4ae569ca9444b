/**
 * Mutable items of the mainline DHT (BEP 5, BEP 44) as a service: one client, one UDP socket and one routing table for all
 * topics of a process. It knows nothing of topics or records.
 */
import type { Crypto, SigningKey } from "@topic-tracker/crypto"
import { type Config, Context, Effect, Layer, type Stream } from "effect"
import { type DhtOptions, fromEnvironment } from "./DhtConfig.ts"
import { DhtError } from "./DhtError.ts"
import { makeMemoryNetwork } from "./memory/MemoryNetwork.ts"
import type { MemoryDhtOptions } from "./memory/options.ts"
import type { DhtNode } from "./nodeId.ts"
import { makeUdpDht } from "./UdpDht.ts"

export { DhtError, type DhtNode }

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

interface CallOptions {
  /** Goes before other gets and puts where more queries are due than may be open: for the few that many others wait for. */
  readonly ahead?: boolean
}

/** How a get differs from one that asks all of the closest nodes and waits for them. */
export interface GetOptions extends CallOptions {
  /**
   * How many of the nodes closest to the target to ask, while it is known from a walk of the last minutes which those are; all
   * k unless set. At least 1. For those who ask again and again: every node that a put reached holds the item.
   */
  readonly nodes?: number | undefined
  /**
   * Runs once, when so many of the nodes closest to the target have answered and the items that they hold have been taken,
   * unless the get is over before: for those who go on before the last has answered. These are asked first, and the others some
   * 30 ms after they have answered.
   */
  readonly whenHeard?: { readonly nodes: number; readonly run: () => void } | undefined
}

/** An item to sign and store. Bencoded, the value has less than 1,000 bytes; the salt has at most 64. */
export interface PutRequest extends CallOptions {
  readonly key: SigningKey
  readonly salt?: Uint8Array
  readonly seq: bigint
  /** Compare-and-swap: store only over an item of this seq (BEP 44). */
  readonly cas?: bigint
  readonly value: Uint8Array
  /**
   * Runs once, when so many nodes have stored it: for those who go on before the last has answered. So many nearest nodes get it
   * as soon as they are found, and the others some 30 ms later.
   */
  readonly whenStored?: { readonly nodes: number; readonly run: () => void } | undefined
}

/** What became of a put. */
export interface PutReceipt {
  /** How many nodes answered that they stored it; at least 1. */
  readonly stored: number
  /** How many nodes were asked. */
  readonly asked: number
}

/** Where a DHT node is: an IPv4 address or a host name, and a UDP port. */
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
  /** Walks begun: gets of one key at one time share a walk, and puts need none when one has just ended. */
  readonly walks: number
  /** Items answered with whose signature did not hold. */
  readonly itemsInvalid: number
  /** Items kept for others. */
  readonly itemsStored: number
  /** Queries of others that were answered, and those beyond the rate limit. */
  readonly queriesServed: number
  readonly queriesLimited: number
}

/** The DHT client of this process: mutable items (BEP 44) are read and stored through it. */
export class Dht extends Context.Service<
  Dht,
  {
    /**
     * Every distinct verified item found under the key, each as the answer that held it arrives; ends when the walk has
     * heard the closest nodes. It does not wait for the routing table. An empty stream is no error.
     */
    readonly get: (key: MutableKey, options?: GetOptions) => Stream.Stream<MutableItem, DhtError>
    /** Signs the item and stores it on the nodes closest to its target; succeeds when at least one stored it. */
    readonly put: (request: PutRequest) => Effect.Effect<PutReceipt, DhtError>
    /** Completes once the routing table holds a node that answered; fails when none of the bootstrap nodes does. */
    readonly bootstrapped: Effect.Effect<void, DhtError>
    /** Where the UDP socket is bound. */
    readonly address: Effect.Effect<DhtAddress>
    readonly stats: Effect.Effect<DhtStats>
    /** The nodes of the routing table: as `knownNodes` they make the next start a warm one. */
    readonly snapshot: Effect.Effect<ReadonlyArray<DhtNode>>
  }
>()("@topic-tracker/dht/Dht") {
  /**
   * A client on one UDP socket (Node), which serves others too. It is ready when the socket is bound, before any node has
   * answered. Fails with `Bind` or `InvalidArgument`.
   */
  static readonly layer = (options: Partial<DhtOptions> = {}): Layer.Layer<Dht, DhtError, Crypto> =>
    Layer.effect(Dht, makeUdpDht(options))

  /** {@link layer} with the settings of the environment, `TOPIC_TRACKER_DHT_…`. */
  static readonly layerConfig: Layer.Layer<Dht, DhtError | Config.ConfigError, Crypto> = Layer.effect(
    Dht,
    Effect.flatMap(fromEnvironment, makeUdpDht),
  )

  /** One participant of a simulated network of its own; for several in one network see `MemoryDht`. */
  static readonly layerMemory = (options: MemoryDhtOptions = {}): Layer.Layer<Dht, never, Crypto> =>
    Layer.effect(
      Dht,
      Effect.flatMap(makeMemoryNetwork(options), (network) => network.client()),
    )
}
