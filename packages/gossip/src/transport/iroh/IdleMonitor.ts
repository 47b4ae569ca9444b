/**
 * Closes connections over which nothing arrives any more. QUIC does so too, but only after 30 s, counted from the next packet that we
 * send: a node whose neighbours all vanish at once would not notice for that long. Over a living connection of iroh a packet arrives
 * at least every 5 s, the answer to a heartbeat, and a lost heartbeat is repeated several times.
 */

/** The numbers of packets and bytes of a connection so far, as QUIC counts them. */
export interface PacketCounts {
  readonly udpRxDatagrams: number
  readonly udpRxBytes: number
  readonly udpTxBytes: number
}

/** A connection as the monitor sees it. */
export interface MonitoredConnection {
  /** Undefined if the numbers are not known. Reading them takes tens of microseconds. */
  readonly stats: () => PacketCounts | undefined
  /** Closes the connection without waiting for anything. */
  readonly giveUp: () => void
}

export interface IdleMonitorOptions<C extends MonitoredConnection> {
  /** Connections are given up after this time of silence, or up to one second later. */
  readonly timeoutMs: number
  /** Runs at each check of a connection. Returns whether the connection is to be checked at the next opportunity, 100 ms later. */
  readonly onChecked?: (connection: C, counts: PacketCounts) => boolean
}

interface Observation {
  received: number | undefined
  /** The number of regular checks in a row in which nothing new had arrived. */
  silentChecks: number
  /** The part of the second in which it is checked. */
  readonly slot: number
}

/** Each connection is checked once a second. A tenth of them at a time, so that thousands do not hold up everything else. */
const SLOTS = 10
const SLOT_MS = 100
const CHECK_INTERVAL_MS = SLOTS * SLOT_MS

/** Connections that are checked at every opportunity. */
const MAX_SUSPECTS = 64

export class IdleMonitor<C extends MonitoredConnection> {
  readonly #maxSilentChecks: number
  readonly #onChecked: (connection: C, counts: PacketCounts) => boolean
  readonly #slots = Array.from({ length: SLOTS }, () => new Map<C, Observation>())
  readonly #observed = new Map<C, Observation>()
  readonly #suspects = new Set<C>()
  #slot = 0
  #timer: NodeJS.Timeout | undefined

  constructor({ onChecked = () => false, timeoutMs }: IdleMonitorOptions<C>) {
    this.#maxSilentChecks = Math.ceil(timeoutMs / CHECK_INTERVAL_MS)
    this.#onChecked = onChecked
  }

  add(connection: C): void {
    const lastSlot = (this.#slot + SLOTS - 1) % SLOTS
    let slot = lastSlot
    for (let i = 0; i < SLOTS; i++) if (this.#slots[i]!.size < this.#slots[slot]!.size) slot = i
    const counts = connection.stats()
    // Only in the slot that was checked last does the first check follow after a whole second.
    const observation = { received: counts?.udpRxDatagrams, silentChecks: slot === lastSlot ? 0 : -1, slot }
    this.#observed.set(connection, observation)
    this.#slots[slot]!.set(connection, observation)
    if (counts !== undefined) this.#report(connection, counts)
    // Wall-clock time, whatever Clock is installed: this is about a real network.
    this.#timer ??= setInterval(() => this.#checkSlot(), SLOT_MS).unref()
  }

  /** Call this when a connection is gone. With the last one the timer stops. */
  remove(connection: C): void {
    const observation = this.#observed.get(connection)
    if (observation === undefined) return
    this.#observed.delete(connection)
    this.#slots[observation.slot]!.delete(connection)
    this.#suspects.delete(connection)
    if (this.#observed.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Counts checks and not time: after a pause of the whole process every connection has as long as before. */
  #checkSlot(): void {
    for (const connection of [...this.#suspects]) {
      const counts = connection.stats()
      if (counts !== undefined) this.#report(connection, counts)
    }
    const slot = this.#slots[this.#slot]!
    this.#slot = (this.#slot + 1) % SLOTS
    for (const [connection, observation] of slot) {
      const counts = connection.stats()
      if (counts !== undefined && !this.#suspects.has(connection)) this.#report(connection, counts)
      const received = counts?.udpRxDatagrams
      if (received === undefined || received !== observation.received) {
        observation.received = received
        observation.silentChecks = 0
        continue
      }
      observation.silentChecks++
      if (observation.silentChecks === this.#maxSilentChecks) connection.giveUp()
    }
  }

  #report(connection: C, counts: PacketCounts): void {
    const isSuspect = this.#onChecked(connection, counts)
    if (!isSuspect) this.#suspects.delete(connection)
    else if (this.#suspects.size < MAX_SUSPECTS) this.#suspects.add(connection)
  }
}
