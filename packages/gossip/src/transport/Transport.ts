/**
 * What gossip needs of a network: connections to peers named by key, each carrying any number of byte streams one way. It
 * knows no topics and no messages. Two implementations: iroh's QUIC endpoints, and a network in memory.
 *
 * The per-message path runs through here, so it is callbacks and plain data; Effect stands at its edges. Rules that every
 * implementation keeps: a callback never runs within the call it was given to, except where said; after `close` of a
 * connection no callback but `done`s that were owed runs; nothing throws.
 */

import type { Timers } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"
import { Context, type Effect, type Scope, type Stream } from "effect"
import type { EndpointAddress } from "../AddressLookup.ts"
import type { GossipError } from "../model.ts"

/** Our end of a stream to the peer. */
export interface SendStream {
  /**
   * Hands bytes over, which are the transport's from then on. `done(true)` when the transport has taken them and wants
   * more, `done(false)` when the stream is dead. The next write only after `done`, which may run within the call.
   */
  readonly write: (bytes: Uint8Array, done: (alive: boolean) => void) => void
  /** Ends the stream after what was written. */
  readonly finish: () => void
}

/** Our end of a stream from the peer. */
export interface ReceiveStream {
  /**
   * Asks for the next bytes, which are then ours; none means that the stream has ended, however it did. The next read
   * only after `done`, which may run within the call.
   */
  readonly read: (done: (bytes: Uint8Array | undefined) => void) => void
  /** Tells the peer that nothing more will be read. */
  readonly stop: () => void
}

/** One connection. Several to the same peer may exist at a time. */
export interface Connection {
  readonly remoteId: EndpointId.EndpointId
  /** Opens a stream to the peer; none when the connection is gone. */
  readonly openStream: (done: (stream: SendStream | undefined) => void) => void
  /** The next stream that the peer opened; none when the connection is gone. One call at a time. */
  readonly acceptStream: (done: (stream: ReceiveStream | undefined) => void) => void
  /** Runs once when the connection is gone, whoever closed it. At most one listener. */
  readonly onClosed: (listener: (reason: string) => void) => void
  /** Closes once everything written to finished streams has arrived, or after a bounded time. */
  readonly close: () => void
}

/** What a transport tells whoever uses it. */
export interface TransportHandler {
  /** A connection is up: one that a peer made, or one that we dialled for. */
  readonly connected: (connection: Connection, dialled: boolean) => void
  /** A dial came to nothing; why, for people. */
  readonly dialFailed: (peer: EndpointId.EndpointId, reason: string) => void
}

export class GossipTransport extends Context.Service<
  GossipTransport,
  {
    readonly endpointId: EndpointId.EndpointId
    /** The time that this network lives by. */
    readonly timers: Timers
    /**
     * Runs it once, at the time to hand over what was queued: at once, or after the current call stack where several
     * messages in one write are much cheaper.
     */
    readonly defer: (flush: () => void) => void
    /**
     * Waits until peers can reach us and be reached, which dials wait for too; fails with Bind when that cannot be. May be
     * asked for again and again.
     */
    readonly ready: Effect.Effect<void, GossipError>
    /** Takes connections from now until the scope closes; at its end all connections close. One handler at a time. */
    readonly listen: (handler: TransportHandler) => Effect.Effect<void, never, Scope.Scope>
    /** Connects to the peer: ends in `connected` or `dialFailed`. More than one connection may come of it. */
    readonly dial: (peer: EndpointId.EndpointId) => void
    /** Takes note of where a peer can be reached, as another peer or a record told. */
    readonly learnAddress: (peer: EndpointId.EndpointId, address: EndpointAddress) => void
    /** Our own addresses now, as far as they are to be published; once we are ready, or it is clear that we will not be. */
    readonly address: Effect.Effect<EndpointAddress>
    /** The same, first and at every change. */
    readonly addressChanges: Stream.Stream<EndpointAddress>
    /** One element each time the network under us changed. */
    readonly networkChanges: Stream.Stream<void>
  }
>()("@topic-tracker/gossip/GossipTransport") {}
