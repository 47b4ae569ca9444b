/**
 * Limits of the work that peers cause here, in estimated microseconds of processor time. Each peer may cause a share of a core, and all
 * together a larger one. A peer that exceeds its share is not read until it is within it again; one that exceeds it for a long time
 * without a break is reported. Payloads that neighbours bring and that are new cost nothing here: they are why a node is in a topic.
 *
 * The estimates are constants and no measurements, so that the same messages always have the same effect.
 */
import type { Timers } from "@topic-tracker/common"

/** The share of one peer: 8 % of a core, and 400 ms at once. The join of 1,000 topics costs some 300 ms. */
const PEER_RATE = 80
const PEER_BURST = 400_000

/** The share of all peers together: 30 % of a core, and 2 s at once. */
const TOTAL_RATE = 300
const TOTAL_BURST = 2_000_000

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
  private readonly waiting = new Set<Waiting>()
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

  /** The work that is possible now; negative after a large message. */
  available(now: number): number {
    this.level = Math.min(this.burst, this.level + (now - this.at) * this.rate)
    this.at = now
    return this.level
  }

  /** Lets the reader proceed when there is work to give away again. */
  wait(reader: Waiting): void {
    this.waiting.add(reader)
    if (this.isScheduled) return
    this.isScheduled = true
    this.timers.schedule(Math.max(1, (RESUME_COST - this.level) / this.rate), () => {
      this.isScheduled = false
      const waiting = [...this.waiting]
      this.waiting.clear()
      for (const reader of waiting) this.timers.runSoon(() => reader.proceed())
    })
  }
}

/** The budget of all peers together. */
export class TotalBudget {
  readonly bucket: Bucket

  constructor(timers: Timers) {
    this.bucket = new Bucket(timers, TOTAL_RATE, TOTAL_BURST)
  }
}

/** The budget of one peer, for all its connections and streams. */
export class PeerBudget {
  private readonly own: Bucket
  private readonly total: Bucket
  private readonly timers: Timers
  private readonly onOver: (isTooLong: boolean) => void
  private overSince: number | undefined
  /** The peer is being disconnected: nothing of it is read any more. */
  isClosed = false

  /** `onOver` runs each time that the peer has to wait. `isTooLong`: it was over its budget for {@link MAX_OVER_MS}. */
  constructor(timers: Timers, total: TotalBudget, onOver: (isTooLong: boolean) => void) {
    this.timers = timers
    this.own = new Bucket(timers, PEER_RATE, PEER_BURST)
    this.total = total.bucket
    this.onOver = onOver
  }

  spend(cost: number): void {
    this.own.spend(cost)
    this.total.spend(cost)
  }

  /** Whether work for the peer may be done now. If not, the reader proceeds later. */
  mayWork(reader: Waiting): boolean {
    const now = this.timers.now()
    const available = this.own.available(now)
    if (available <= 0) {
      this.overSince ??= now
      this.onOver(now - this.overSince >= MAX_OVER_MS)
      this.own.wait(reader)
      return false
    }
    if (available > PEER_BURST / 2) this.overSince = undefined
    if (this.total.available(now) > 0) return true
    this.total.wait(reader)
    return false
  }
}
