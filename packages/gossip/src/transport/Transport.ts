/**
 * The network that gossip needs: connections to peers by key, each with any number of one-way byte streams. It knows no topics and
 * no messages. There are two implementations: iroh's QUIC endpoints, and a network in memory.
 *
 * Every message passes through here, so this is callbacks and plain data, and Effect only at the edges. Every implementation keeps
 * these rules: a callback never runs within the call that it was given to, except where the member allows it; after `close` of a
 * connection no callback runs but `done`s that are due; nothing throws.
 */
import type { Timers } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"
import { Context, type Effect, type Scope, type Stream } from "effect"
import type { EndpointAddress } from "../AddressLookup.ts"
import type { GossipError } from "../model.ts"
import type { DialOptions, ListenOptions, TransportHandler } from "./Connection.ts"
import type { PeerPath, TransportStats } from "./TransportStats.ts"

export type {
  BiStream,
  Connection,
  DialOptions,
  ListenOptions,
  ReceiveStream,
  SendStream,
  StreamLimits,
  TransportHandler,
} from "./Connection.ts"

/**
 * Application protocol of iroh-gossip 0.101 (`net.rs`, GOSSIP_ALPN), the default of every transport.
 *
 * @since 0.1.0
 * @category constants
 */
export const GOSSIP_ALPN = "/iroh-gossip/1"

/**
 * The source of an address of a peer.
 * - `own`: the peer itself, in its signed record or over its own connection.
 * - `hearsay`: another peer. It never replaces what the peer itself said, and is dialled after that.
 *
 * @since 0.1.0
 * @category models
 */
export type AddressSource = "own" | "hearsay"

/**
 * The network that gossip runs on.
 *
 * @since 0.1.0
 * @category services
 */
export class GossipTransport extends Context.Service<
  GossipTransport,
  {
    readonly endpointId: EndpointId.EndpointId
    /** The clock of this network. */
    readonly timers: Timers
    /**
     * The processor time that this process has used so far, in ms, in all its threads. Without it the work that strangers cause outside of
     * the engine is only estimated: see engine/Pace.ts.
     */
    readonly processorMs?: () => number
    /**
     * Runs `flush` once, at the time to write what is queued: at once, or after the current call stack if several messages in one write
     * are much cheaper.
     */
    readonly defer: (flush: () => void) => void
    /**
     * Waits until this node can dial and be dialled; dials wait for it too. Fails with Bind if the endpoint cannot be bound. May be run
     * any number of times.
     */
    readonly ready: Effect.Effect<void, GossipError>
    /**
     * Accepts connections of one application protocol until the scope closes, which closes all connections of that protocol. One handler
     * for each protocol at a time; a second one is a defect. QUIC refuses connections of a protocol that has no handler. Dials of a
     * protocol need its handler too.
     */
    readonly listen: (handler: TransportHandler, options?: ListenOptions) => Effect.Effect<void, never, Scope.Scope>
    /**
     * Connects to the peer: ends in `connected` or `dialFailed`. It may make more than one connection. While a dial of the peer is in
     * progress, a second call can only change its origin from "gossip" to "wanted".
     */
    readonly dial: (peer: EndpointId.EndpointId, options?: DialOptions) => void
    /** Remembers an address of a peer for dials. */
    readonly learnAddress: (peer: EndpointId.EndpointId, address: EndpointAddress, source: AddressSource) => void
    /** Our own addresses, as far as they are published. Waits like `ready`; empty if the endpoint cannot be bound. */
    readonly address: Effect.Effect<EndpointAddress>
    /** Our own addresses now, and again at every change. */
    readonly addressChanges: Stream.Stream<EndpointAddress>
    /** One element for each change of the machine's network. */
    readonly networkChanges: Stream.Stream<void>
    readonly stats: () => TransportStats
    /** The paths of all open connections, as far as the network has any. It asks the network: not for hot paths. */
    readonly paths?: () => ReadonlyArray<PeerPath>
  }
>()("@topic-tracker/gossip/GossipTransport") {}
