/**
 * Limits for the queries of other nodes and for the answers to them, per host and in all. The sender of a query may be forged, so
 * that an answer, which is longer, hits somebody else. Answers to our own queries are not limited here; their number is bounded by
 * our queries. Times are in ms.
 */
import { BoundedMap, TokenBucket } from "@topic-tracker/common"
import { ipv4, type ReachOf } from "../krpc/nodeId.ts"

export interface RateLimitOptions {
  /** Queries per second from one public host; the burst is five times as large. */
  readonly perHost: number
  /** Queries per second from all hosts, and the burst. */
  readonly total: number
  /** Bytes of answers per second to one public host; the burst is eight times as large. */
  readonly bytesPerHost: number
  /** Bytes of answers per second to all public and private hosts together, and the burst. */
  readonly bytesTotal: number
  /** Remembered hosts; the one not seen for the longest time is forgotten first. */
  readonly capacity: number
  /** Whether the host has answered a query of ours, so that its address is not forged. */
  readonly isKnown: (host: string) => boolean
  readonly reachOf: ReachOf
}

/** So that a client with many topics, which comes rarely, is served at once. */
const QUERY_BURST = 5
const BYTES_BURST = 8

/** A private host, behind which there may be many nodes, has this many times the share of a public one. */
const PRIVATE_SHARE = 10

/** A host that asks this many times as much as it may is not heard for a while. */
const MUTE_FACTOR = 10
const MUTE_MS = 5 * 60_000

/** The part of the bytes in all that is kept for hosts whose address is not forged. */
const RESERVED = 1 / 2

interface Host {
  readonly queries: TokenBucket
  readonly bytes: TokenBucket
  /** Empty when the host asks far too much. */
  readonly patience: TokenBucket
}

export class RateLimit {
  readonly #options: RateLimitOptions
  readonly #hosts: BoundedMap<string, Host>
  /** Hosts that are not heard, and until when. */
  readonly #muted: BoundedMap<string, number>
  readonly #queries: TokenBucket
  readonly #bytes: TokenBucket

  constructor(options: RateLimitOptions) {
    const { bytesTotal, capacity, total } = options
    this.#options = options
    this.#hosts = new BoundedMap(capacity)
    this.#muted = new BoundedMap(capacity)
    this.#queries = new TokenBucket(total, total)
    this.#bytes = new TokenBucket(bytesTotal, bytesTotal)
  }

  /** Whether the host is not heard at this time. */
  isMuted(host: string, now: number): boolean {
    const until = this.#muted.get(host)
    if (until === undefined) return false
    if (until > now) return true
    this.#muted.delete(host)
    return false
  }

  /** Whether a query from this host may be served at this time. Loopback has no limit of its own: testnets share that host. */
  allows(host: string, now: number): boolean {
    const share = this.#shareOf(host)
    if (share > 0) {
      if (this.isMuted(host, now)) return false
      const { patience, queries } = this.#host(host, share)
      if (!patience.take(now)) {
        this.#muted.set(host, now + MUTE_MS)
        this.#hosts.delete(host)
        return false
      }
      if (!queries.take(now)) return false
    }
    return this.#queries.take(now)
  }

  /** Whether an answer of this length may be sent to the host at this time. Answers to loopback are not counted. */
  allowsAnswer(host: string, bytes: number, now: number): boolean {
    const share = this.#shareOf(host)
    if (share === 0) return true
    const { bytes: ofHost } = this.#host(host, share)
    const { bytesTotal, isKnown } = this.#options
    if (!ofHost.has(now, bytes) || !this.#bytes.has(now, bytes)) return false
    if (!this.#bytes.has(now, bytes + bytesTotal * RESERVED) && !isKnown(host)) return false
    ofHost.take(now, bytes)
    this.#bytes.take(now, bytes)
    return true
  }

  /** The share of a host in multiples of a public one; 0 if it has no limit. */
  #shareOf(host: string): number {
    const address = ipv4(host)
    const reach = address === undefined ? "public" : this.#options.reachOf(address)
    return reach === "loopback" ? 0 : reach === "private" || reach === "link-local" ? PRIVATE_SHARE : 1
  }

  #host(name: string, share: number): Host {
    let host = this.#hosts.get(name)
    if (host === undefined) {
      const { bytesPerHost, perHost } = this.#options
      const queries = share * perHost
      const bytes = share * bytesPerHost
      host = {
        queries: new TokenBucket(QUERY_BURST * queries, queries),
        bytes: new TokenBucket(BYTES_BURST * bytes, bytes),
        patience: new TokenBucket(MUTE_FACTOR * QUERY_BURST * queries, MUTE_FACTOR * queries),
      }
    }
    this.#hosts.set(name, host)
    return host
  }
}
