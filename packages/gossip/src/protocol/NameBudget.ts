/**
 * Limits on the peers that others name to us. Each new name may cost a lookup in the DHT and a dial, so a neighbour that names peers
 * which do not exist would take all of both, for a few bytes (DEVIATIONS.md, "new names").
 */
import type { TopicIo } from "./Event.ts"
import type { PeerKey } from "./Message.ts"
import { TokenBucket } from "./TokenBucket.ts"

/** New names that one neighbour may give us: this many at once, then so many a second. */
const NAME_BURST = 16
const NAMES_PER_SECOND = 1

/**
 * The same for all peers together that are not vouched for, and for peers that were asked: a peer that leaves and comes back must not
 * get a fresh budget each time.
 */
const STRANGERS_BURST = 80
const STRANGERS_NAMES_PER_SECOND = 5

export class NameBudget<P extends PeerKey> {
  private readonly io: Pick<TopicIo<P>, "now" | "isKey" | "stats">
  private readonly neighbors = new Map<P, TokenBucket>()
  private readonly strangers = new TokenBucket(STRANGERS_BURST, STRANGERS_NAMES_PER_SECOND)

  constructor(io: Pick<TopicIo<P>, "now" | "isKey" | "stats">) {
    this.io = io
  }

  /** The neighbours, each with its budget. */
  get givers(): ReadonlyMap<P, unknown> {
    return this.neighbors
  }

  addNeighbor(peer: P): void {
    this.neighbors.set(peer, new TokenBucket(NAME_BURST, NAMES_PER_SECOND))
  }

  removeNeighbor(peer: P): void {
    this.neighbors.delete(peer)
  }

  /**
   * Whether a name that is new to us may be used, which `giver` sent. If not, it is counted. A name that is no key is never used: a
   * Rust node drops the stream on which one arrives, so it must not be passed on. The check costs tens of microseconds, so it is last.
   */
  take(giver: P, name: P, isVouched: boolean): boolean {
    if (this.takeCost(giver, 1, isVouched) && this.io.isKey(name)) return true
    this.io.stats.droppedNames++
    return false
  }

  /** Takes the cost of `count` names. */
  takeCost(giver: P, count: number, isVouched: boolean): boolean {
    const { now } = this.io
    const own = this.neighbors.get(giver)
    if (own === undefined) return this.strangers.take(now, count)
    if (!own.has(now, count)) return false
    return (isVouched || this.strangers.take(now, count)) && own.take(now, count)
  }
}
