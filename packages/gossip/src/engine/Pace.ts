/**
 * How many times dearer the work for strangers is on this machine now than the estimates of frameCosts.ts say. Much of that work is done
 * outside of our code, in the transport's threads and in the runtime, so it is measured as processor time of the whole process: what the
 * process uses while strangers cause work, less what it uses while they do not. A process that is busy with something else meanwhile
 * takes it for the work of strangers, so the figure is bounded, and it is never applied to neighbours.
 */

/** The times between two measurements, in ms. */
const WINDOW_MS = 250

/** Below this work (µs of estimates for each ms) strangers are taken to be quiet. */
const QUIET_RATE = 1

const MAX_PACE = 8

export class Pace {
  private readonly processorMs: (() => number) | undefined
  private at: number
  private used: number
  private work = 0
  /** The processor time for each ms while strangers are quiet, in µs. */
  private quietShare: number | undefined
  private current = 1

  /** `processorMs`: processor time of this process so far, in ms. Without it the pace is always 1. */
  constructor(now: number, processorMs?: () => number) {
    this.processorMs = processorMs
    this.at = now
    this.used = processorMs?.() ?? 0
  }

  /** From 1 to {@link MAX_PACE}. */
  get value(): number {
    return this.current
  }

  /** Strangers caused work that is estimated at so many µs. */
  note(cost: number): void {
    this.work += cost
  }

  /** Measures if the last time is long enough ago. */
  update(now: number): void {
    const ms = now - this.at
    if (this.processorMs === undefined || ms < WINDOW_MS) return
    const used = this.processorMs()
    const share = (1_000 * (used - this.used)) / ms
    const rate = this.work / ms
    this.at = now
    this.used = used
    this.work = 0
    if (rate < QUIET_RATE) {
      this.quietShare = this.quietShare === undefined ? share : (this.quietShare + share) / 2
      this.current = (this.current + 1) / 2
      return
    }
    const measured = Math.max(0, share - (this.quietShare ?? 0)) / rate
    this.current = (this.current + Math.min(MAX_PACE, Math.max(1, measured))) / 2
  }
}
