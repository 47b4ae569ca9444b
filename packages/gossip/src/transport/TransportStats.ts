/** The counters of a transport: what it refused or dropped; and the paths of its connections. */
import type { EndpointId } from "@topic-tracker/crypto"

/**
 * Counters of a transport since its start.
 *
 * @since 0.1.0
 * @category models
 */
export interface TransportStats {
  /** Addresses of peers that were not dialled because the address policy forbids them. */
  readonly addressesDropped: number
  /** Dials that failed at once because too many were in progress. */
  readonly dialsRefused: number
  /** Connections that were closed because too many bytes of the peer waited to be read. */
  readonly overfullConnections: number
  /** Handshakes that were refused: too many were in progress, or too many connections are in use. */
  readonly refusedHandshakes: number
  /** Handshakes that had to begin again, so that the peer shows that its address is its own. */
  readonly retriedHandshakes: number
  /** Accepted connections that were not in use and were closed for new ones. */
  readonly replacedConnections: number
}

/**
 * The way that the packets of a connection take now.
 *
 * @since 0.1.0
 * @category models
 */
export interface PeerPath {
  readonly peer: EndpointId.EndpointId
  /** Over a relay, or directly from host to host. */
  readonly isRelayed: boolean
  /** The relay's URL, or the peer's IP:PORT. */
  readonly remoteAddress: string
  /** Round trip in ms, smoothed as QUIC does (RFC 9002, section 5.3). */
  readonly rttMs: number
}

/** The counters of a transport that refuses and drops nothing. */
export const noTransportStats: TransportStats = {
  addressesDropped: 0,
  dialsRefused: 0,
  overfullConnections: 0,
  refusedHandshakes: 0,
  retriedHandshakes: 0,
  replacedConnections: 0,
}
