/**
 * A budget of events: at most `burst` at once, and `perSecond` on average. It knows no clock; each call gives the time in ms. A clock that
 * was set back adds nothing.
 */
export class TokenBucket {
  readonly #burst: number
  readonly #perMs: number
  #tokens: number
  #filledAt = Number.NEGATIVE_INFINITY

  /** It begins full. */
  constructor(burst: number, perSecond: number) {
    this.#burst = burst
    this.#perMs = perSecond / 1_000
    this.#tokens = burst
  }

  /** Whether `count` events would be within the budget now. */
  has(now: number, count = 1): boolean {
    // The first call, at a time of minus infinity, leaves the bucket full.
    if (now > this.#filledAt) {
      this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#filledAt) * this.#perMs)
    }
    this.#filledAt = now
    return this.#tokens >= count
  }

  /** Takes `count` events out of the budget if it has so many, and returns whether it had. */
  take(now: number, count = 1): boolean {
    if (!this.has(now, count)) return false
    this.#tokens -= count
    return true
  }
}
