/**
 * Gives up connections from which nothing comes any more. QUIC does so by itself, but after 30 s, and counted from the next
 * packet we send: a node whose neighbours all vanish at once would be alone for so long without knowing. On a connection of
 * iroh's something comes at least every 5 s, the answer to a heartbeat, and a lost one is asked for again several times.
 */

/** What is watched of a connection. */
export interface Audible {
  /** Packets that have come so far, of whatever kind; undefined when it cannot be told. */
  readonly received: () => number | undefined
  readonly giveUp: () => void
}

interface Heard {
  received: number | undefined
  /** How many looks in a row have found nothing new. */
  silentLooks: number
}

/** From one look to the next, in milliseconds. */
const lookMs = 1_000

export class SilenceWatch {
  private readonly patience: number
  private readonly heard = new Map<Audible, Heard>()
  private timer: NodeJS.Timeout | undefined

  /** Connections are given up after `timeoutMs` of silence, and up to one second more. */
  constructor(timeoutMs: number) {
    this.patience = Math.ceil(timeoutMs / lookMs)
  }

  add(connection: Audible): void {
    this.heard.set(connection, { received: connection.received(), silentLooks: 0 })
    // Wall-clock time, whatever Clock is installed: this is about what happens on a real network.
    this.timer ??= setInterval(() => this.look(), lookMs).unref()
  }

  /** To be called when a connection is gone: with the last one the watch rests. */
  remove(connection: Audible): void {
    this.heard.delete(connection)
    if (this.heard.size > 0) return
    clearInterval(this.timer)
    this.timer = undefined
  }

  /** Looks are counted, not time: after a pause of the whole process everybody has as long as before. */
  private look(): void {
    for (const [connection, heard] of this.heard) {
      const received = connection.received()
      if (received === undefined || received !== heard.received) {
        heard.received = received
        heard.silentLooks = 0
        continue
      }
      heard.silentLooks++
      if (heard.silentLooks === this.patience) connection.giveUp()
    }
  }
}
