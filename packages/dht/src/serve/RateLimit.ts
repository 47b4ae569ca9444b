/**
 * Token buckets for the queries of other nodes: one for each host, one for all hosts together. Answers to our own queries are not
 * limited here; their number is bounded by our queries.
 */
import { BoundedMap } from "@topic-tracker/common"

export interface RateLimitOptions {
  /** Queries per second from one host, and the burst. Loopback is exempt: there many nodes share one host. */
  readonly perHost: number
  /** Queries per second from all hosts, and the burst. */
  readonly total: number
  /** Remembered hosts; the one not seen for the longest time is forgotten first. */
  readonly capacity: number
}

interface Bucket {
  tokens: number
  at: number
}

/** Takes one token if there is one, after a refill for the time since the last call. */
const take = (bucket: Bucket, perSecond: number, now: number): boolean => {
  bucket.tokens = Math.min(perSecond, bucket.tokens + ((now - bucket.at) * perSecond) / 1000)
  bucket.at = now
  if (bucket.tokens < 1) return false
  bucket.tokens--
  return true
}

export class RateLimit {
  readonly #options: RateLimitOptions
  readonly #hosts: BoundedMap<string, Bucket>
  readonly #all: Bucket

  constructor(options: RateLimitOptions, now: number) {
    this.#options = options
    this.#hosts = new BoundedMap(options.capacity)
    this.#all = { tokens: options.total, at: now }
  }

  /** Whether a query from this host may be served at this time (ms). */
  allows(host: string, now: number): boolean {
    if (!host.startsWith("127.") && !this.#hostAllows(host, now)) return false
    return take(this.#all, this.#options.total, now)
  }

  #hostAllows(host: string, now: number): boolean {
    const bucket = this.#hosts.get(host) ?? { tokens: this.#options.perHost, at: now }
    this.#hosts.set(host, bucket)
    return take(bucket, this.#options.perHost, now)
  }
}
