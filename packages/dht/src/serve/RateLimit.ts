/**
 * Token buckets for queries from others: one for each address, one for all together. Answers to our own queries are not
 * limited here, they are bounded by what we ask.
 */

export interface RateLimitOptions {
  /** Queries a second from one host, and as many again at once. Loopback is exempt: there many nodes share one host. */
  readonly perHost: number
  /** Queries a second from all hosts, and as many again at once. */
  readonly total: number
  /** Hosts remembered, the least recently seen forgotten first. */
  readonly capacity: number
}

interface Bucket {
  tokens: number
  at: number
}

/** Takes one token if there is one, after refilling for the time that passed. */
const take = (bucket: Bucket, perSecond: number, now: number): boolean => {
  bucket.tokens = Math.min(perSecond, bucket.tokens + ((now - bucket.at) * perSecond) / 1000)
  bucket.at = now
  if (bucket.tokens < 1) return false
  bucket.tokens--
  return true
}

export class RateLimit {
  private readonly options: RateLimitOptions
  private readonly hosts = new Map<string, Bucket>()
  private readonly all: Bucket

  constructor(options: RateLimitOptions, now: number) {
    this.options = options
    this.all = { tokens: options.total, at: now }
  }

  /** Whether a query from this host, at this time in ms, may be served. */
  allows(host: string, now: number): boolean {
    if (!host.startsWith("127.") && !this.hostAllows(host, now)) return false
    return take(this.all, this.options.total, now)
  }

  private hostAllows(host: string, now: number): boolean {
    const bucket = this.hosts.get(host) ?? { tokens: this.options.perHost, at: now }
    this.hosts.delete(host)
    this.hosts.set(host, bucket)
    if (this.hosts.size > this.options.capacity) {
      for (const oldest of this.hosts.keys()) {
        this.hosts.delete(oldest)
        break
      }
    }
    return take(bucket, this.options.perHost, now)
  }
}
