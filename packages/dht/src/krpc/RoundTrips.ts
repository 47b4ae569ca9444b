/**
 * How long to wait for a node, from how long nodes took before: Jacobson's and Karels' estimator as TCP has it (RFC 6298),
 * one per address and one over all for addresses not heard of yet. It knows no clock: durations go in, a time-out comes out.
 */

export interface RoundTripOptions {
  /** Never wait less, in ms: what a busy event loop may delay an answer by. */
  readonly floor: number
  /** Never wait more, in ms. */
  readonly ceiling: number
  /** Wait this long, in ms, until any answer at all has been measured. */
  readonly initial: number
  /** Addresses remembered, the least recently used forgotten first. */
  readonly capacity: number
}

/** Smoothed round-trip time and its mean deviation, in ms. */
interface Estimate {
  srtt: number
  rttvar: number
  /** Time-outs since the last answer: each doubles the time-out (RFC 6298 5.5). */
  losses: number
}

/** RFC 6298 section 2: gains 1/8 and 1/4, and four deviations above the mean. */
const absorb = (estimate: Estimate | undefined, ms: number): Estimate => {
  if (estimate === undefined) return { srtt: ms, rttvar: ms / 2, losses: 0 }
  estimate.rttvar += (Math.abs(estimate.srtt - ms) - estimate.rttvar) / 4
  estimate.srtt += (ms - estimate.srtt) / 8
  estimate.losses = 0
  return estimate
}

export class RoundTrips {
  private readonly options: RoundTripOptions
  private readonly estimates = new Map<string, Estimate>()
  private overall: Estimate | undefined

  constructor(options: RoundTripOptions) {
    this.options = options
  }

  /** Addresses remembered. */
  get size(): number {
    return this.estimates.size
  }

  /** An answer from the address came `ms` milliseconds after its query. */
  answered(address: string, ms: number): void {
    this.overall = absorb(this.overall, ms)
    const estimate = absorb(this.estimates.get(address), ms)
    this.estimates.delete(address)
    this.estimates.set(address, estimate)
    if (this.estimates.size > this.options.capacity) {
      for (const oldest of this.estimates.keys()) {
        this.estimates.delete(oldest)
        break
      }
    }
  }

  /** The address was given up on. Only one that once answered is given more time for it: the others are likely dead. */
  lost(address: string): void {
    const estimate = this.estimates.get(address)
    if (estimate !== undefined) estimate.losses++
  }

  /** Time-outs of the address since it last answered; undefined when it has never answered, or is forgotten. */
  missed(address: string): number | undefined {
    return this.estimates.get(address)?.losses
  }

  /** How long to wait for the address, in ms. */
  timeout(address: string): number {
    const own = this.estimates.get(address)
    const estimate = own ?? this.overall
    const { floor, ceiling, initial } = this.options
    if (estimate === undefined) return Math.min(initial, ceiling)
    const wait = Math.max(floor, estimate.srtt + 4 * estimate.rttvar)
    return Math.min(ceiling, own === undefined ? wait : wait * 2 ** Math.min(own.losses, 16))
  }
}
