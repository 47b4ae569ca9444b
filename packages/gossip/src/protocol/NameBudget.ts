/**
 * Limits on the peers that others name to us. Each new name may cost a lookup in the DHT and a dial, so a neighbour that names peers
 * which do not exist would take all of both, for a few bytes (DEVIATIONS.md, "new names").
 */
import { BoundedMap } from "@topic-tracker/common/BoundedMap"
import { TokenBucket } from "@topic-tracker/common/TokenBucket"
import type { TopicIo } from "./Event.ts"
import type { PeerKey } from "./Message.ts"

/** New names that one neighbour may give us: this many at once, then so many a second. */
const NAME_BURST = 16
const NAMES_PER_SECOND = 1

/**
 * The same for all peers together that are not vouched for, and for peers that were asked: a peer that leaves and comes back must not
 * get a fresh budget each time.
 */
const STRANGERS_BURST = 80
const STRANGERS_NAMES_PER_SECOND = 5

/** ForwardJoins and Shuffles of one neighbour: each travels on for six hops, whether or not its names are new. */
const WALK_BURST = 64
const WALKS_PER_SECOND = 8

/** Joins that are passed on to the neighbours: this many at once, then so many a second, and each peer once in a time, in ms. */
const JOIN_BURST = 1_024
const JOINS_PER_SECOND = 16
const JOIN_AGAIN_MS = 10_000
export const MAX_JOINERS = 256

interface NeighborBudget {
  readonly names: TokenBucket
  readonly walks: TokenBucket
}

const neighborBudget = (): NeighborBudget => ({
  names: new TokenBucket(NAME_BURST, NAMES_PER_SECOND),
  walks: new TokenBucket(WALK_BURST, WALKS_PER_SECOND),
})

export class NameBudget<P extends PeerKey> {
  private readonly io: Pick<TopicIo<P>, "now" | "isKey" | "stats">
  private readonly neighbors = new Map<P, NeighborBudget>()
  private readonly strangers = new TokenBucket(STRANGERS_BURST, STRANGERS_NAMES_PER_SECOND)
  /** The budget of walks of peers that are no neighbours. */
  private readonly asked = new TokenBucket(WALK_BURST, WALKS_PER_SECOND)
  private readonly joins = new TokenBucket(JOIN_BURST, JOINS_PER_SECOND)
  /** The last peers whose Joins were passed on, and the times of that. */
  private readonly joinedAt = new BoundedMap<P, number>(MAX_JOINERS)

  constructor(io: Pick<TopicIo<P>, "now" | "isKey" | "stats">) {
    this.io = io
  }

  /** The neighbours, each with its budget. */
  get givers(): ReadonlyMap<P, unknown> {
    return this.neighbors
  }

  addNeighbor(peer: P): void {
    this.neighbors.set(peer, neighborBudget())
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
    const own = this.neighbors.get(giver)?.names
    if (own === undefined) return this.strangers.take(now, count)
    if (!own.has(now, count)) return false
    return (isVouched || this.strangers.take(now, count)) && own.take(now, count)
  }

  /** Whether a ForwardJoin or Shuffle of this peer is handled. */
  takeWalk(giver: P): boolean {
    return (this.neighbors.get(giver)?.walks ?? this.asked).take(this.io.now)
  }

  /** Whether the Join of this peer is passed on to the neighbours. */
  takeJoin(peer: P): boolean {
    const { now } = this.io
    const before = this.joinedAt.get(peer)
    if (before !== undefined && now - before < JOIN_AGAIN_MS) return false
    if (!this.joins.take(now)) return false
    this.joinedAt.set(peer, now)
    return true
  }

  /** The peers whose Joins were passed on, for checks of the state. */
  get joiners(): ReadonlyMap<P, unknown> {
    return this.joinedAt
  }
}
