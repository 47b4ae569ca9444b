/**
 * Spreads the DHT work of a process's topics in time. When hundreds of them open together, a minute turns, or all are alone and
 * poll, their walks would otherwise be under way at once, each slower for the others, and what they hold meanwhile is most of
 * the memory that the process takes. So the topics take turns, in the order in which they came; a few never wait.
 */
import type { Timers } from "@topic-tracker/gossip"
import { Effect } from "effect"
import { firstOf, type Signal } from "./Signal.ts"

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
  /** When the next turn is, in ms of {@link Timers}; in the past where some were left unused. */
  readonly #next: Record<Urgency, number> = { urgent: Number.NEGATIVE_INFINITY, routine: Number.NEGATIVE_INFINITY }

  constructor(timers: Timers) {
    this.#timers = timers
  }

  /** Whether a turn would come at once: what can be done without is done only then. */
  isFree(urgency: Urgency): boolean {
    return this.#next[urgency] <= this.#timers.now()
  }

  /** Completes when it is the caller's turn, or one of the signals is open. */
  turn(urgency: Urgency, ...signals: ReadonlyArray<Signal>): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { perSecond, burst } = rates[urgency]
      const interval = 1000 / perSecond
      const now = this.#timers.now()
      const at = Math.max(this.#next[urgency], now - (burst - 1) * interval)
      this.#next[urgency] = at + interval
      return at <= now ? Effect.void : firstOf(this.#timers, signals, at - now)
    })
  }
}
