/**
 * Events of channels that nobody here has opened yet. They wait for the first reader, so that a program that opens a channel some time
 * after its join misses nothing. Bounded in channels, events and bytes: over the limit the oldest event of the largest channel is
 * dropped and counted. It knows no readers.
 */

const MAX_CHANNELS = 64
const MAX_EVENTS = 2_048
const MAX_BYTES = 1024 * 1024
/** The cost of an event beside its message, in bytes. */
const EVENT_BYTES = 256

/** The events of one channel. */
interface Waiting<E> {
  readonly events: Array<{ readonly event: E; readonly bytes: number }>
  bytes: number
  skipped: number
}

/** The events that a first reader gets. */
export interface EarlyChannel<E> {
  readonly events: ReadonlyArray<E>
  /** The number of events that were dropped before these. */
  readonly skipped: number
}

export class EarlyEvents<E> {
  readonly #channels = new Map<string, Waiting<E>>()
  #events = 0
  #bytes = 0

  /** Keeps an event. `messageBytes`: the size of its message. */
  add(channel: string, event: E, messageBytes: number): void {
    let waiting = this.#channels.get(channel)
    if (waiting === undefined) {
      if (this.#channels.size >= MAX_CHANNELS) return
      waiting = { events: [], bytes: 0, skipped: 0 }
      this.#channels.set(channel, waiting)
    }
    const bytes = messageBytes + EVENT_BYTES
    waiting.events.push({ event, bytes })
    this.#count(waiting, 1, bytes)
    while (this.#events > MAX_EVENTS || this.#bytes > MAX_BYTES) this.#dropOldest()
  }

  /** Takes what waits of a channel. */
  take(channel: string): EarlyChannel<E> {
    const waiting = this.#channels.get(channel)
    if (waiting === undefined) return { events: [], skipped: 0 }
    this.#channels.delete(channel)
    this.#count(waiting, -waiting.events.length, -waiting.bytes)
    return { events: waiting.events.map(({ event }) => event), skipped: waiting.skipped }
  }

  #dropOldest(): void {
    let largest: Waiting<E> | undefined
    for (const waiting of this.#channels.values()) {
      if (largest === undefined || waiting.bytes > largest.bytes) largest = waiting
    }
    const oldest = largest?.events.shift()
    if (largest === undefined || oldest === undefined) return
    largest.skipped++
    this.#count(largest, -1, -oldest.bytes)
  }

  #count(waiting: Waiting<E>, events: number, bytes: number): void {
    waiting.bytes += bytes
    this.#events += events
    this.#bytes += bytes
  }
}
