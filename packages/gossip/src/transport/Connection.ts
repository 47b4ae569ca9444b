/**
 * Connections to peers by key, each with any number of byte streams, as callbacks and plain data. The rules that every implementation
 * keeps are in Transport.ts. This file has only types, so that the contract of the Gossip service can name them.
 */
import type { EndpointId } from "@topic-tracker/crypto"
import type { DialOrigin } from "../AddressLookup.ts"

/**
 * Options of `GossipTransport.dial`.
 *
 * @since 0.1.0
 * @category options
 */
export interface DialOptions {
  /** Default "wanted". */
  readonly origin?: DialOrigin
  /** The application protocol of the connection. Default: that of gossip. */
  readonly alpn?: string
}

/**
 * Options of `GossipTransport.listen`.
 *
 * @since 0.1.0
 * @category options
 */
export interface ListenOptions {
  /** The application protocol whose connections the handler gets. Default: that of gossip. */
  readonly alpn?: string
}

/**
 * Our end of a stream to the peer.
 *
 * @since 0.1.0
 * @category models
 */
export interface SendStream {
  /**
   * Writes bytes; the transport owns them from then on. `done(true)`: the transport has taken them and takes more. `done(false)`: the
   * stream is dead. Write again only after `done`, which may run within the call. `head`: bytes that go before the others. With them the transport
   * copies both, so the others stay the caller's and may be a part of something.
   */
  readonly write: (bytes: Uint8Array, done: (isAlive: boolean) => void, head?: Uint8Array) => void
  /** Ends the stream after what was written. */
  readonly finish: () => void
  /** Ends the stream at once. Bytes that the peer has not read are lost; its read gets the code, a whole number below 2^32. */
  readonly reset: (code: number) => void
  /** Runs once if the peer stops reading, with the code that it gave. At most one listener. */
  readonly onStopped: (listener: (code: number) => void) => void
}

/**
 * Our end of a stream from the peer.
 *
 * @since 0.1.0
 * @category models
 */
export interface ReceiveStream {
  /**
   * Asks for the next bytes, which then belong to the caller; undefined means that the stream has ended, for any reason. If the peer has
   * reset the stream, its code comes with that. Read again only after `done`, which may run within the call. `maxBytes`: more than these are not
   * taken at once, if the transport can choose.
   */
  readonly read: (done: (bytes: Uint8Array | undefined, resetCode?: number) => void, maxBytes?: number) => void
  /** Notifies the peer that no more bytes will be read. The code is a whole number below 2^32, default 0. */
  readonly stop: (code?: number) => void
}

/**
 * Our end of a two-way stream. Each direction has its own flow control and its own end: after `send.finish()` the peer may go on
 * writing.
 *
 * @since 0.1.0
 * @category models
 */
export interface BiStream {
  readonly send: SendStream
  readonly receive: ReceiveStream
}

/**
 * How much a peer may send over a connection before we take it.
 *
 * @since 0.1.0
 * @category options
 */
export interface StreamLimits {
  /** One-way streams that the peer may have open at a time. At first 64. */
  readonly uni?: number
  /** Two-way streams that the peer may have open at a time. At first none, except for 100 that QUIC's handshake allows. */
  readonly bi?: number
  /** Bytes that may wait to be read, roughly. The connection of a peer that sends more is closed. At first 1.5 MB. */
  readonly unreadBytes?: number
}

/**
 * One connection. There may be several to the same peer at a time.
 *
 * @since 0.1.0
 * @category models
 */
export interface Connection {
  readonly remoteId: EndpointId.EndpointId
  /** The application protocol that both sides agreed on. */
  readonly alpn: string
  /**
   * Connections with the same text come from one host or its network. Undefined if that is not known or means nothing: we dialled, it
   * comes over a relay, or from this machine.
   */
  readonly remoteNetwork?: string | undefined
  /** Opens a stream to the peer; undefined if the connection is gone. */
  readonly openStream: (done: (stream: SendStream | undefined) => void) => void
  /** The next stream that the peer opens; undefined if the connection is gone. One call at a time. */
  readonly acceptStream: (done: (stream: ReceiveStream | undefined) => void) => void
  /**
   * Opens a two-way stream, when the peer allows one more; undefined if the connection is gone. The peer sees it with our first bytes or
   * the end of our direction, so the side that opens must write first.
   */
  readonly openBi: (done: (stream: BiStream | undefined) => void) => void
  /**
   * The next two-way stream that the peer opens; undefined if the connection is gone. One call at a time. Streams that nobody accepts stay
   * with the transport: {@link StreamLimits} bounds their number and their bytes.
   */
  readonly acceptBi: (done: (stream: BiStream | undefined) => void) => void
  /** Changes the limits that are given, and keeps the others. A transport without such limits does nothing. */
  readonly limitStreams: (limits: StreamLimits) => void
  /** Runs once when the connection is gone, whichever side closed it. At most one listener. */
  readonly onClosed: (listener: (reason: string) => void) => void
  /** Closes when everything written to finished streams has arrived, or after a limited time. */
  readonly close: () => void
}

/**
 * The events of a transport.
 *
 * @since 0.1.0
 * @category models
 */
export interface TransportHandler {
  /** A connection is open: one that a peer made, or one that a dial of ours made. */
  readonly connected: (connection: Connection, isDialled: boolean) => void
  /** A dial has failed; `reason` is a text for people. */
  readonly dialFailed: (peer: EndpointId.EndpointId, reason: string) => void
  /**
   * Whether the connection with this peer is in use. When there are too many connections, the oldest accepted ones that are not in use
   * are closed for new ones. Default: all are in use.
   */
  readonly isNeeded?: (peer: EndpointId.EndpointId) => boolean
}
