/**
 * Spreads the DHT work of a process's topics over time. When hundreds of topics open together, a minute begins, or all are alone and
 * poll, their lookups would otherwise run at once. Each would be slower because of the others, and the buffers that they hold would be
 * most of the memory of the process. So topics wait for permits, first come first served. A few topics never wait.
 */
import { type Awaitable, firstOf, type Signal, type Timer, type Timers } from "@topic-tracker/common"
import { Effect } from "effect"

/** `urgent`: a user may be waiting for the result. `routine`: work that comes again and again. */
export type Urgency = "urgent" | "routine"

/** `burst`: the number of permits that are free at once after a pause. */
interface Rate {
  readonly perSecond: number
  readonly burst: number
}

const RATES: Record<Urgency, Rate> = {
  urgent: { perSecond: 200, burst: 32 },
  routine: { perSecond: 100, burst: 16 },
}

export class RateLimiter {
  readonly #timers: Timers
  readonly #queues: Record<Urgency, PermitQueue>

  constructor(timers: Timers) {
    this.#timers = timers
    this.#queues = { urgent: new PermitQueue(timers, RATES.urgent), routine: new PermitQueue(timers, RATES.routine) }
  }

  /** Whether a permit is free now. For work that is skipped when the process is busy. */
  hasPermit(urgency: Urgency): boolean {
    return this.#queues[urgency].isOpen
  }

  /** Waits for a permit, or until one of the signals is open. An interrupted wait uses no permit. */
  awaitPermit(urgency: Urgency, ...signals: ReadonlyArray<Signal>): Effect.Effect<void> {
    return Effect.suspend(() => {
      const queue = this.#queues[urgency]
      if (!queue.isOpen && !signals.some(({ isOpen }) => isOpen)) return firstOf(this.#timers, [queue, ...signals])
      queue.take()
      return Effect.void
    })
  }
}

/** The permits of one urgency, and the fibers that wait for them. */
class PermitQueue implements Awaitable {
  readonly #timers: Timers
  readonly #intervalMs: number
  readonly #burst: number
  /** The time at which the next permit is free, in ms of {@link Timers}; in the past if some were not used. */
  #nextAt = Number.NEGATIVE_INFINITY
  /** In order of arrival. */
  readonly #waiting = new Set<() => void>()
  /** Wakes the first of {@link #waiting}. */
  #timer: Timer | undefined

  constructor(timers: Timers, { perSecond, burst }: Rate) {
    this.#timers = timers
    this.#intervalMs = 1000 / perSecond
    this.#burst = burst
  }

  /** Whether a permit is free and no fiber waits for it. */
  get isOpen(): boolean {
    return this.#waiting.size === 0 && this.#nextAt <= this.#timers.now()
  }

  take(): void {
    const earliest = this.#timers.now() - (this.#burst - 1) * this.#intervalMs
    this.#nextAt = Math.max(this.#nextAt, earliest) + this.#intervalMs
  }

  add(run: () => void): void {
    this.#waiting.add(run)
    this.#timer ??= this.#timers.schedule(this.#nextAt - this.#timers.now(), () => this.#serve())
  }

  remove(run: () => void): void {
    this.#waiting.delete(run)
    if (this.#waiting.size > 0 || this.#timer === undefined) return
    this.#timers.cancel(this.#timer)
    this.#timer = undefined
  }

  #serve(): void {
    this.#timer = undefined
    for (const run of this.#waiting) {
      const wait = this.#nextAt - this.#timers.now()
      if (wait > 0) {
        this.#timer = this.#timers.schedule(wait, () => this.#serve())
        return
      }
      this.#waiting.delete(run)
      this.take()
      this.#timers.runSoon(run)
    }
  }
}
