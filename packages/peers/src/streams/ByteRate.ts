/**
 * The bytes that may come from peers in a second: of one, and of all together. It lends what it does not have and tells how long that takes to come
 * back, so a stream gets its next credit late, and its writer waits. Plain numbers; the time comes from outside.
 */
export class ByteRate {
  readonly #perMs: number
  readonly #burst: number
  readonly #parent: ByteRate | undefined
  #left: number
  #filledAt = Number.NEGATIVE_INFINITY

  /** `burst`: so many bytes at once. */
  constructor(perSecond: number, burst: number, parent?: ByteRate) {
    this.#perMs = perSecond / 1_000
    this.#burst = burst
    this.#left = burst
    this.#parent = parent
  }

  /** Takes the bytes, and returns the time in ms after which they are within the rate. */
  take(bytes: number, now: number): number {
    this.#fill(now)
    this.#left -= bytes
    return Math.max(this.#ownWait, this.#parent?.take(bytes, now) ?? 0)
  }

  /** Gives back bytes that did not come. */
  give(bytes: number): void {
    this.#left = Math.min(this.#burst, this.#left + bytes)
    this.#parent?.give(bytes)
  }

  /** The time in ms until nothing is lent. */
  waitMs(now: number): number {
    this.#fill(now)
    return Math.max(this.#ownWait, this.#parent?.waitMs(now) ?? 0)
  }

  get #ownWait(): number {
    return Math.max(0, -this.#left / this.#perMs)
  }

  #fill(now: number): void {
    if (now > this.#filledAt && this.#left < this.#burst) {
      this.#left = Math.min(this.#burst, this.#left + (now - this.#filledAt) * this.#perMs)
    }
    this.#filledAt = Math.max(now, this.#filledAt)
  }
}
