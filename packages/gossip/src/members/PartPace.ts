/**
 * When an author sends the next part of a large message. A transport takes more than 1 MB of a stream at once, and then the small messages of all
 * members wait for the processors and lines of that, so parts go out at a rate. It bounds the copies of all neighbours together, since
 * each copy costs the author's line and processor the same. Pure: the caller sends and has the clock.
 */

/** The copies of parts that go out in a second, in bytes: 80 % of a line of 5 Mbit/s. */
const BYTES_PER_SECOND = 500_000
/** After a pause of this time, in ms, a few parts go out at once: a message of up to 20 KB to five neighbours. */
const IDLE_MS = 1_000
const CREDIT_MS = 200
/** Turns that are late by more than this, in ms, mean that the processor has enough to do: then the next part waits so many times longer, up to a bound. */
const LATE_MS = 5
const LATE_FACTOR = 3
const MAX_LATE_WAIT_MS = 150

/**
 * The pace of all parts that a node sends in one topic.
 *
 * @since 0.1.0
 * @category models
 */
export class PartPace {
  /** The time until which the rate is used up. */
  #usedUntil = Number.NEGATIVE_INFINITY
  #hasCredit = true

  /** How long the next part has to wait, in ms: 0 if it may go now. */
  waitMs(now: number): number {
    return Math.max(0, this.#usedUntil - now)
  }

  /** A wait that was over took so much longer than asked for. */
  noteLate(ms: number): void {
    if (ms > LATE_MS) this.#usedUntil += Math.min(MAX_LATE_WAIT_MS, LATE_FACTOR * ms)
  }

  /** A part of so many bytes goes out to so many neighbours. */
  sent(bytes: number, neighbors: number, now: number): void {
    if (now - this.#usedUntil >= IDLE_MS) this.#hasCredit = true
    const since = Math.max(this.#usedUntil, now - (this.#hasCredit ? CREDIT_MS : LATE_MS))
    this.#usedUntil = since + (bytes * neighbors * 1_000) / BYTES_PER_SECOND
    if (this.#usedUntil > now) this.#hasCredit = false
  }
}
