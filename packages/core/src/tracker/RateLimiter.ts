/**
 * Spreads the DHT work of a process's topics in time. When hundreds of them open together, a minute turns, or all are alone and
 * poll, their walks would otherwise be under way at once, each slower for the others, and what they hold meanwhile is most of
 * the memory that the process takes. So the topics take turns, in the order in which they came; a few never wait.
 */
import type { Timer, Timers } from "@topic-tracker/common"
import { type Awaitable, firstOf, type Signal } from "@topic-tracker/common"
import { Effect } from "effect"

/** What a turn is for: somebody may be waiting for it, or it is one of many that come again and again. */
export type Urgency = "urgent" | "routine"

/** Turns a second, and how many can be taken at once after a pause. */
interface Rate {
  readonly perSecond: number
  readonly burst: number
}

const rates: Record<Urgency, Rate> = {
  urgent: { perSecond: 200, burst: 32 },
  routine: { perSecond: 100, burst: 16 },
}

export class Pace {
  readonly #timers: Timers
  readonly #lines: Record<Urgency, Line>

  constructor(timers: Timers) {
    this.#timers = timers
    this.#lines = { urgent: new Line(timers, rates.urgent), routine: new Line(timers, rates.routine) }
  }

  /** Whether a turn would come at once: what can be done without is done only then. */
  isFree(urgency: Urgency): boolean {
    return this.#lines[urgency].isOpen
  }

  /** Completes when it is the caller's turn, or one of the signals is open. Who stops waiting leaves its turn to the next. */
  turn(urgency: Urgency, ...signals: ReadonlyArray<Signal>): Effect.Effect<void> {
    return Effect.suspend(() => {
      const line = this.#lines[urgency]
      if (!line.isOpen && !signals.some(({ isOpen }) => isOpen)) return firstOf(this.#timers, [line, ...signals])
      line.take()
      return Effect.void
    })
  }
}

/** Those who wait for turns of one kind. */
class Line implements Awaitable {
  readonly #timers: Timers
  readonly #interval: number
  readonly #burst: number
  /** When the next turn is, in ms of {@link Timers}; in the past where some were left unused. */
  #next = Number.NEGATIVE_INFINITY
  /** In the order in which they came. */
  readonly #waiting = new Set<() => void>()
  /** For the first of them. */
  #timer: Timer | undefined

  constructor(timers: Timers, { perSecond, burst }: Rate) {
    this.#timers = timers
    this.#interval = 1000 / perSecond
    this.#burst = burst
  }

  /** Whether there is a turn now and nobody before. */
  get isOpen(): boolean {
    return this.#waiting.size === 0 && this.#next <= this.#timers.now()
  }

  take(): void {
    this.#next = Math.max(this.#next, this.#timers.now() - (this.#burst - 1) * this.#interval) + this.#interval
  }

  add(run: () => void): void {
    this.#waiting.add(run)
    this.#timer ??= this.#timers.schedule(this.#next - this.#timers.now(), () => this.#serve())
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
      const wait = this.#next - this.#timers.now()
      if (wait > 0) {
        this.#timer = this.#timers.schedule(wait, () => this.#serve())
        return
      }
      this.#waiting.delete(run)
      this.take()
      this.#timers.soon(run)
    }
  }
}
