/** Rates: a budget of events, and one budget for each of many peers. */
import { BoundedMap } from "./BoundedMap.ts"

/**
 * A budget of events: at most `burst` at once, and `perSecond` on average. It knows no clock; each call gives the time in ms. A clock that
 * was set back adds nothing.
 *
 * @since 0.1.0
 * @category models
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

/**
 * A {@link TokenBucket} for each key. A key that comes while `capacity` others are known makes the oldest one forgotten.
 *
 * @since 0.1.0
 * @category models
 */
export class TokenBuckets<K> {
  readonly #burst: number
  readonly #perSecond: number
  readonly #buckets: BoundedMap<K, TokenBucket>

  constructor(capacity: number, burst: number, perSecond: number) {
    this.#burst = burst
    this.#perSecond = perSecond
    this.#buckets = new BoundedMap(capacity)
  }

  /** Takes `count` events out of the budget of the key if it has so many, and returns whether it had. */
  take(key: K, now: number, count = 1): boolean {
    let bucket = this.#buckets.get(key)
    if (bucket === undefined) {
      bucket = new TokenBucket(this.#burst, this.#perSecond)
      this.#buckets.set(key, bucket)
    }
    return bucket.take(now, count)
  }
}
