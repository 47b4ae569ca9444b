/**
 * How many bytes one write or read of a peer stream may have. The binding converts each byte on the one thread of JavaScript, some 100 ns a byte: a
 * write of 64 KiB makes everything else of this process wait for 6 ms. So bulk gives way: it goes in small slices while there is other work, and in
 * large ones otherwise. It knows no stream; the time comes from outside.
 */

/** Beside other work: at this size a bulk transfer has 80 % of its rate, and a small round trip takes no longer than without it. */
const BUSY_BYTES = 4_096
const IDLE_BYTES = 65_536

/** Other work counts for this time. */
const BUSY_MS = 100

/** Gossip's counter is read at most so often. */
const LOOK_MS = 10

/** A write of a peer stream up to this size is no bulk. */
const SMALL_BYTES = 1_024

export class SlicePolicy {
  readonly #now: () => number
  readonly #gossipMessages: () => number
  #known: number
  #lookAt = Number.NEGATIVE_INFINITY
  #busyUntil = Number.NEGATIVE_INFINITY

  constructor(now: () => number, gossipMessages: () => number) {
    this.#now = now
    this.#gossipMessages = gossipMessages
    this.#known = gossipMessages()
  }

  /** The bytes of the next write or read. */
  bytes(): number {
    const now = this.#now()
    if (now >= this.#lookAt) {
      this.#lookAt = now + LOOK_MS
      const count = this.#gossipMessages()
      if (count !== this.#known) this.#busyUntil = now + BUSY_MS
      this.#known = count
    }
    return now < this.#busyUntil ? BUSY_BYTES : IDLE_BYTES
  }

  /** A stream has sent all that it had to send, in one slice of this size. */
  sent(bytes: number): void {
    if (bytes <= SMALL_BYTES) this.#busyUntil = this.#now() + BUSY_MS
  }
}
