/**
 * The limits of a members-only topic's state that are not those of one author: what a neighbour may cost, and the bytes that wait out of order in all
 * streams together. Plain data; the caller has the clock.
 */
import { TokenBucket } from "@topic-tracker/common/TokenBucket"
import type { AuthorStream } from "./Authors.ts"

/** All that waits out of order, of all streams together. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024
const REJECTS_PER_SECOND = 200
const NEW_AUTHORS_BURST = 64
/** A later neighbour's first heads of streams that we do not know: so many are asked for at once, and in a second. */
const PAST_STREAMS = 64

/** Second contents in one place that are checked in a second. */
const EQUIVOCATION_CHECKS = 10

interface Neighbor {
  readonly rejects: TokenBucket
  readonly newAuthors: TokenBucket
  /** Streams of its first heads that are asked for. */
  readonly past: TokenBucket
}

export class StateLimits {
  readonly #neighbors = new Map<string, Neighbor>()
  /** By the keys of streams. */
  readonly #waitingBytes = new Map<string, number>()
  readonly #equivocationChecks = new TokenBucket(EQUIVOCATION_CHECKS, EQUIVOCATION_CHECKS)
  #waiting = 0

  neighborUp(peer: string): void {
    this.#neighbors.set(peer, {
      rejects: new TokenBucket(REJECTS_PER_SECOND, REJECTS_PER_SECOND),
      newAuthors: new TokenBucket(NEW_AUTHORS_BURST, 1),
      past: new TokenBucket(PAST_STREAMS, 1),
    })
  }

  neighborDown(peer: string): void {
    this.#neighbors.delete(peer)
  }

  /** Whether what this peer brings is still checked: it has not brought too much that was rejected. */
  isChecked(peer: string, now: number): boolean {
    return this.#neighbors.get(peer)?.rejects.has(now) !== false
  }

  noteReject(peer: string, now: number): void {
    this.#neighbors.get(peer)?.rejects.take(now)
  }

  /** Whether the peer may bring another author that is new here. */
  hasNewAuthor(peer: string, now: number): boolean {
    return this.#neighbors.get(peer)?.newAuthors.has(now) !== false
  }

  noteNewAuthor(peer: string, now: number): void {
    this.#neighbors.get(peer)?.newAuthors.take(now)
  }

  /** Whether one more stream of the peer's first heads is asked for. Counts it. */
  takePast(peer: string, now: number): boolean {
    return this.#neighbors.get(peer)?.past.take(now) !== false
  }

  /** Whether a second content in the place of another is checked now. Counts it. */
  takeEquivocationCheck(now: number): boolean {
    return this.#equivocationChecks.take(now)
  }

  /** Counts what waits in the stream now. Whether all streams together are within the limit. */
  countWaiting({ key, order }: AuthorStream): boolean {
    const bytes = order.waitingBytes
    this.#waiting += bytes - (this.#waitingBytes.get(key) ?? 0)
    if (bytes === 0) this.#waitingBytes.delete(key)
    else this.#waitingBytes.set(key, bytes)
    return this.#waiting <= MAX_WAITING_BYTES || bytes === 0
  }
}
