/**
 * A budget of events: at most `burst` at once, and `perSecond` on average. It knows no clock; each call gives the time in ms, which
 * never goes back.
 */
export class TokenBucket {
  private readonly burst: number
  private readonly perMs: number
  private tokens: number
  private filledAt = Number.NEGATIVE_INFINITY

  constructor(burst: number, perSecond: number) {
    this.burst = burst
    this.perMs = perSecond / 1_000
    this.tokens = burst
  }

  /** Whether `count` events would be within the budget now. */
  has(now: number, count = 1): boolean {
    this.fill(now)
    return this.tokens >= count
  }

  /** Takes `count` events out of the budget if it has so many, and returns whether it had. */
  take(now: number, count = 1): boolean {
    if (!this.has(now, count)) return false
    this.tokens -= count
    return true
  }

  private fill(now: number): void {
    const passed = now - this.filledAt
    this.filledAt = now
    // The first call, at a time of minus infinity, fills the bucket too.
    this.tokens = Math.min(this.burst, this.tokens + passed * this.perMs)
  }
}
