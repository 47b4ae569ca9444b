/**
 * Limits of the work that peers cause here, in microseconds of processor time. Each peer may cause a share of a core, and all together a
 * larger one; strangers, who are neighbours in no topic, also share one among them. A peer that exceeds its share is not read until it is
 * within it again; one that exceeds it for a long time without a break is reported. Payloads that neighbours bring and that are new cost
 * nothing here: they are why a node is in a topic.
 *
 * The cost of a message is an estimate, or of a stranger the time that it took if that was longer; strangers' shares also shrink by the {@link Pace} of
 * the machine. On a clock that stands still while messages are handled, the same messages always have the same effect.
 */
import type { Timers } from "@topic-tracker/common"
import { Pace } from "./Pace.ts"

/** The share of one peer: 4 % of a core, and 400 ms at once. The join of 1,000 topics costs some 300 ms. */
const PEER_RATE = 40
const PEER_BURST = 400_000

/** The part of it that may go into receiving what a stranger sends: 3 % of a core, and 60 ms at once. Joins are free of it. */
const RECEIVING_RATE = 30
const RECEIVING_BURST = 60_000

/** The share of all peers together: 30 % of a core, and 2 s at once. That of all strangers: half of it. */
const TOTAL_RATE = 300
const TOTAL_BURST = 2_000_000
const STRANGERS_RATE = 150
const STRANGERS_BURST = 1_000_000

/** A peer that was over its budget and did not save up half of {@link PEER_BURST} within this time, in ms, is over it for too long. */
const MAX_OVER_MS = 30_000

/** The work that must be possible before waiting readers go on: otherwise each would wait again after one message. */
const RESUME_COST = 5_000

/** A reader that waits for a budget. */
export interface Waiting {
  readonly proceed: () => void
}

/** An amount of work that refills with time: `rate` in microseconds of work for each millisecond. */
class Bucket {
  private readonly timers: Timers
  private readonly rate: number
  private readonly burst: number
  private level: number
  private at: number
  /** Undefined while no reader waits: there are two buckets for each peer. */
  private waiting: Set<Waiting> | undefined
  private isScheduled = false

  constructor(timers: Timers, rate: number, burst: number) {
    this.timers = timers
    this.rate = rate
    this.burst = burst
    this.level = burst
    this.at = timers.now()
  }

  spend(cost: number): void {
    this.level -= cost
  }

  /** The work that is possible now; negative after a large message. It refills `pace` times as slowly. */
  available(now: number, pace: number): number {
    this.level = Math.min(this.burst, this.level + ((now - this.at) * this.rate) / pace)
    this.at = now
    return this.level
  }

  get isEmpty(): boolean {
    return this.level <= 0
  }

  get isMoreThanHalfFull(): boolean {
    return this.level > this.burst / 2
  }

  /** Lets the reader proceed when there is work to give away again. */
  wait(reader: Waiting, pace: number): void {
    this.waiting ??= new Set()
    this.waiting.add(reader)
    if (this.isScheduled) return
    this.isScheduled = true
    this.timers.schedule(Math.max(1, ((RESUME_COST - this.level) * pace) / this.rate), () => {
      this.isScheduled = false
      const waiting = this.waiting ?? []
      this.waiting = undefined
      for (const reader of waiting) this.timers.runSoon(() => reader.proceed())
    })
  }
}

/** The budgets of all peers together, and of all strangers. */
export class TotalBudget {
  readonly all: Bucket
  readonly strangers: Bucket
  readonly pace: Pace

  /** `processorMs`: see {@link Pace}. */
  constructor(timers: Timers, processorMs?: () => number) {
    this.all = new Bucket(timers, TOTAL_RATE, TOTAL_BURST)
    this.strangers = new Bucket(timers, STRANGERS_RATE, STRANGERS_BURST)
    this.pace = new Pace(timers.now(), processorMs)
  }
}

/** The budget of one peer, for all its connections and streams. */
export class PeerBudget {
  private readonly own: Bucket
  private readonly receiving: Bucket
  private readonly total: TotalBudget
  private readonly timers: Timers
  private readonly onOver: (isTooLong: boolean) => void
  private overSince: number | undefined
  /** The peer is a neighbour in some topic. */
  isNeighbor = false
  /** The peer is being disconnected: nothing of it is read any more. */
  isClosed = false

  /** `onOver` runs each time that the peer has to wait. `isTooLong`: it was over its budget for {@link MAX_OVER_MS}. */
  constructor(timers: Timers, total: TotalBudget, onOver: (isTooLong: boolean) => void) {
    this.timers = timers
    this.own = new Bucket(timers, PEER_RATE, PEER_BURST)
    this.receiving = new Bucket(timers, RECEIVING_RATE, RECEIVING_BURST)
    this.total = total
    this.onOver = onOver
  }

  /** Work for the peer begins, which may cost nothing. */
  refill(now: number): void {
    this.own.available(now, this.isNeighbor ? 1 : this.total.pace.value)
  }

  /** The peer had used up its own budget when it last caused work. It may have refilled since. */
  get isExhausted(): boolean {
    return this.own.isEmpty
  }

  /** The peer caused work of `cost`, and of `receiving` for receiving what it sent. */
  spend(cost: number, receiving = 0): void {
    const { all, pace, strangers } = this.total
    this.own.spend(cost + receiving)
    if (this.isNeighbor) {
      all.spend(cost + receiving)
      return
    }
    this.receiving.spend(receiving)
    strangers.spend(cost + receiving)
    pace.note(cost + receiving)
  }

  /** Whether work for the peer may be done now. If not, the reader proceeds later. */
  mayWork(reader: Waiting): boolean {
    const now = this.timers.now()
    const { all, pace: measured, strangers } = this.total
    if (!this.isNeighbor) measured.update(now)
    const pace = this.isNeighbor ? 1 : measured.value
    const empty = this.emptyOf(now, pace)
    if (empty !== undefined) {
      this.overSince ??= now
      this.onOver(now - this.overSince >= MAX_OVER_MS)
      empty.wait(reader, pace)
      return false
    }
    if (this.own.isMoreThanHalfFull && this.receiving.isMoreThanHalfFull) this.overSince = undefined
    const total = this.isNeighbor ? all : strangers
    if (total.available(now, pace) > 0) return true
    total.wait(reader, pace)
    return false
  }

  private emptyOf(now: number, pace: number): Bucket | undefined {
    if (this.own.available(now, pace) <= 0) return this.own
    return this.receiving.available(now, pace) <= 0 && !this.isNeighbor ? this.receiving : undefined
  }
}
