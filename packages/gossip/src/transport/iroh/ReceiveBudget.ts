/**
 * Limits the memory that received bytes and open streams of peers take. QUIC lets a peer send 1.25 MB on each of 200 streams before
 * anything is read, and the binding has no setting for that, nor a number of the bytes that wait. So the number is estimated: what has
 * arrived, without what was read and without what carries no data. Each connection has a limit, and all of them together have one; the
 * connection that exceeds a limit is closed. It knows neither streams nor topics.
 */
import type { PacketCounts } from "./IdleMonitor.ts"

/** A connection as the budget sees it. */
export interface MeasuredConnection {
  /** Bytes that were read from its streams so far. */
  readonly bytesRead: number
  readonly openStreams: number
  /** Bytes that may wait to be read. */
  readonly unreadLimit: number
  /** Closes the connection without waiting for anything. */
  readonly giveUp: () => void
}

/** The memory of all connections together. */
const MAX_BYTES = 64 * 1024 * 1024

/** The memory of an open stream: its state in the binding and here, and the buffer of its read. */
const STREAM_BYTES = 8_192

/** A connection with more unread bytes than this, or one that is new, is measured at every opportunity. */
const SUSPICIOUS_BYTES = 262_144
const NEW_MS = 2_000

/**
 * Bytes that arrive and carry no data that can be read: packet headers and repeated packets (up to half of what is read),
 * acknowledgements (up to a quarter of what we send), and heartbeats and probes of the path (4 KB a second).
 */
const PER_BYTE_READ = 1.5
const PER_BYTE_SENT = 0.25
const PER_MS = 4.096

interface Measurement {
  readonly since: number
  at: number
  arrived: number
  sent: number
  read: number
  unread: number
  /** Its part of the sum of all. */
  bytes: number
}

export class ReceiveBudget<C extends MeasuredConnection> {
  /** Connections that were closed because they exceeded a limit. */
  exceeded = 0
  readonly #measured = new Map<C, Measurement>()
  #bytes = 0

  /** Measures a connection at time `now` (ms) and closes connections that exceed a limit. Returns whether to measure it again soon. */
  measure(connection: C, counts: PacketCounts, now: number): boolean {
    const known = this.#measured.get(connection)
    if (known === undefined) {
      const { udpRxBytes: arrived, udpTxBytes: sent } = counts
      const { bytesRead: read } = connection
      this.#measured.set(connection, { since: now, at: now, arrived, sent, read, unread: 0, bytes: 0 })
      return true
    }
    const arrived = counts.udpRxBytes - known.arrived
    const read = connection.bytesRead - known.read
    const sent = counts.udpTxBytes - known.sent
    const waiting = known.unread + arrived - read * PER_BYTE_READ - sent * PER_BYTE_SENT - (now - known.at) * PER_MS
    known.unread = Math.max(0, waiting)
    known.at = now
    known.arrived = counts.udpRxBytes
    known.read = connection.bytesRead
    known.sent = counts.udpTxBytes
    const bytes = known.unread + connection.openStreams * STREAM_BYTES
    this.#bytes += bytes - known.bytes
    known.bytes = bytes
    if (known.unread > connection.unreadLimit) this.#close(connection)
    while (this.#bytes > MAX_BYTES && this.#measured.size > 0) this.#closeLargest()
    return known.unread > SUSPICIOUS_BYTES || now - known.since < NEW_MS
  }

  /** Call this when a connection is gone. */
  remove(connection: C): void {
    this.#bytes -= this.#measured.get(connection)?.bytes ?? 0
    this.#measured.delete(connection)
  }

  /** Closes the connection that takes most in comparison with its limit: a neighbour in many topics may take more than others. */
  #closeLargest(): void {
    let largest: C | undefined
    let share = -1
    for (const [connection, { bytes }] of this.#measured) {
      if (bytes / connection.unreadLimit <= share) continue
      largest = connection
      share = bytes / connection.unreadLimit
    }
    if (largest !== undefined) this.#close(largest)
  }

  #close(connection: C): void {
    this.exceeded++
    this.remove(connection)
    connection.giveUp()
  }
}
