/**
 * Closes connections over which nothing arrives any more. QUIC does so too, but only after 30 s, counted from the next packet that we
 * send: a node whose neighbours all vanish at once would not notice for that long. Over a living connection of iroh a packet arrives
 * at least every 5 s, the answer to a heartbeat, and a lost heartbeat is repeated several times.
 */

/** A connection as the monitor sees it. */
export interface MonitoredConnection {
  /** The number of packets of any kind that have arrived so far; undefined if it is not known. */
  readonly received: () => number | undefined
  /** Closes the connection without waiting for anything. */
  readonly giveUp: () => void
}

interface Observation {
  received: number | undefined
  /** The number of checks in a row in which nothing new had arrived. */
  silentChecks: number
}

const CHECK_INTERVAL_MS = 1_000

export class IdleMonitor {
  readonly #maxSilentChecks: number
  readonly #observed = new Map<MonitoredConnection, Observation>()
  #timer: NodeJS.Timeout | undefined

  /** Connections are given up after `timeoutMs` of silence, or up to one second later. */
  constructor(timeoutMs: number) {
    this.#maxSilentChecks = Math.ceil(timeoutMs / CHECK_INTERVAL_MS)
  }

  add(connection: MonitoredConnection): void {
    this.#observed.set(connection, { received: connection.received(), silentChecks: 0 })
    // Wall-clock time, whatever Clock is installed: this is about a real network.
    this.#timer ??= setInterval(() => this.#checkAll(), CHECK_INTERVAL_MS).unref()
  }

  /** Call this when a connection is gone. With the last one the timer stops. */
  remove(connection: MonitoredConnection): void {
    this.#observed.delete(connection)
    if (this.#observed.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Counts checks and not time: after a pause of the whole process every connection has as long as before. */
  #checkAll(): void {
    for (const [connection, observation] of this.#observed) {
      const received = connection.received()
      if (received === undefined || received !== observation.received) {
        observation.received = received
        observation.silentChecks = 0
        continue
      }
      observation.silentChecks++
      if (observation.silentChecks === this.#maxSilentChecks) connection.giveUp()
    }
  }
}
