/**
 * The time-out of a query, from the times that nodes took before: the estimator of Jacobson and Karels as TCP uses it
 * (RFC 6298) for each address, and the median of the last answers of all for unknown addresses, which a few slow nodes cannot
 * raise. It knows no clock: durations go in, a time-out comes out.
 */
import { BoundedMap } from "@topic-tracker/common"

export interface RoundTripOptions {
  /** The shortest time-out in ms: the delay that a busy event loop may add to an answer. */
  readonly floor: number
  /** The longest time-out in ms. */
  readonly ceiling: number
  /** The time-out in ms until the first answer was measured. */
  readonly initial: number
  /** Remembered addresses; the one without an answer for the longest time is forgotten first. */
  readonly capacity: number
}

/** Smoothed round-trip time and its mean deviation, in ms. */
interface Estimate {
  srtt: number
  rttvar: number
  /** Time-outs since the last answer: each doubles the time-out (RFC 6298, section 5.5). */
  losses: number
}

/** RFC 6298, section 2: gains 1/8 and 1/4, and four deviations above the mean. */
const withSample = (estimate: Estimate | undefined, ms: number): Estimate => {
  if (estimate === undefined) return { srtt: ms, rttvar: ms / 2, losses: 0 }
  estimate.rttvar += (Math.abs(estimate.srtt - ms) - estimate.rttvar) / 4
  estimate.srtt += (ms - estimate.srtt) / 8
  estimate.losses = 0
  return estimate
}

/** Round trips after which an answer is late: of four nodes that are there, one takes longer on the public DHT. */
const LATE_ROUND_TRIPS = 1.5

/** The answers of all addresses whose times count for an unknown one. */
const MAX_SAMPLES = 64

/** The last times of all addresses: their median, and half of the distance of their quartiles as the deviation. */
class LastSamples {
  private readonly ring = new Float64Array(MAX_SAMPLES)
  private count = 0
  private at = 0
  private current: Pick<Estimate, "srtt" | "rttvar"> | undefined

  add(ms: number): void {
    this.ring[this.at] = ms
    this.at = (this.at + 1) % MAX_SAMPLES
    this.count = Math.min(MAX_SAMPLES, this.count + 1)
    this.current = undefined
  }

  /** Undefined if there is no sample. With few samples the deviation is at least a part of the median, as in RFC 6298, 2.2. */
  get estimate(): Pick<Estimate, "srtt" | "rttvar"> | undefined {
    if (this.count === 0) return undefined
    if (this.current === undefined) {
      const sorted = this.ring.slice(0, this.count).sort()
      const quartile = (n: number) => sorted[Math.min(this.count - 1, Math.floor((n * this.count) / 4))]!
      const srtt = quartile(2)
      this.current = { srtt, rttvar: Math.max((quartile(3) - quartile(1)) / 2, srtt / (2 * this.count)) }
    }
    return this.current
  }
}

export class RoundTrips {
  private readonly options: RoundTripOptions
  private readonly estimates: BoundedMap<string, Estimate>
  private readonly overall = new LastSamples()

  constructor(options: RoundTripOptions) {
    this.options = options
    this.estimates = new BoundedMap(options.capacity)
  }

  /** Remembered addresses. */
  get size(): number {
    return this.estimates.size
  }

  /** An answer from the address came `ms` milliseconds after its query. */
  answered(address: string, ms: number): void {
    this.overall.add(ms)
    this.estimates.set(address, withSample(this.estimates.get(address), ms))
  }

  /** The address timed out. Only an address that once answered gets more time for it: the others are probably dead. */
  lost(address: string): void {
    const estimate = this.estimates.get(address)
    if (estimate !== undefined) estimate.losses++
  }

  /** Time-outs of the address since its last answer; undefined if it never answered or is forgotten. */
  missed(address: string): number | undefined {
    return this.estimates.get(address)?.losses
  }

  /** The time-out of the address, in ms. */
  timeout(address: string): number {
    const own = this.estimates.get(address)
    if (own === undefined) return this.timeoutOfUnknown
    return Math.min(this.options.ceiling, this.waitOf(own) * 2 ** Math.min(own.losses, 16))
  }

  /** The time-out of an address that never answered, in ms. */
  get timeoutOfUnknown(): number {
    const { ceiling, initial } = this.options
    const { estimate } = this.overall
    return Math.min(ceiling, estimate === undefined ? initial : this.waitOf(estimate))
  }

  /** The time after which an answer of the address is late, in ms: never longer than its time-out. */
  lateAfter(address: string): number {
    const own = this.estimates.get(address)
    return own === undefined ? this.lateAfterOfUnknown : Math.min(this.timeout(address), this.lateAfterOf(own))
  }

  /** The same for an address that never answered. */
  get lateAfterOfUnknown(): number {
    const { estimate } = this.overall
    const timeout = this.timeoutOfUnknown
    return estimate === undefined ? timeout : Math.min(timeout, this.lateAfterOf(estimate))
  }

  private lateAfterOf({ srtt }: Pick<Estimate, "srtt">): number {
    return Math.max(this.options.floor, LATE_ROUND_TRIPS * srtt)
  }

  private waitOf({ rttvar, srtt }: Pick<Estimate, "srtt" | "rttvar">): number {
    return Math.max(this.options.floor, srtt + 4 * rttvar)
  }
}
