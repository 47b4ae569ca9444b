/** A limit on how often something may happen: so many times a second on average, and a few more after a pause. It waits for nothing. */
export class TokenBucket {
  readonly #perMs: number
  readonly #burst: number
  #tokens: number
  /** In ms. */
  #filledAt = Number.NEGATIVE_INFINITY

  /** `burst`: how many times it may happen at once after a pause. */
  constructor(perSecond: number, burst: number) {
    this.#perMs = perSecond / 1000
    this.#burst = burst
    this.#tokens = burst
  }

  /** Whether it may happen once more at time `now` (ms). A clock that was set back adds nothing. */
  take(now: number): boolean {
    this.#tokens = Math.min(this.#burst, this.#tokens + Math.max(0, now - this.#filledAt) * this.#perMs)
    this.#filledAt = now
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}
