/**
 * A condition that fibers wait for, alone or with others and a time limit. In place of Effect's Latch, race and sleep, which
 * take a fiber for each thing waited for: an idle topic waits all the time, and a process may hold hundreds of them. Here a
 * wait is one entry in a list, and all time limits share the one sleeping fiber of {@link Timers}.
 */

import { Effect } from "effect"
import type { Timers } from "./Timers.ts"

/** What {@link firstOf} waits for. */
export interface Awaitable {
  readonly isOpen: boolean
  /** `run` is to be run once it is open, unless removed before. */
  readonly add: (run: () => void) => void
  readonly remove: (run: () => void) => void
}

export class Signal implements Awaitable {
  readonly #timers: Timers
  #isOpen: boolean
  #waiting: ReadonlyArray<() => void> = noneWaiting

  constructor(timers: Timers, isOpen: boolean) {
    this.#timers = timers
    this.#isOpen = isOpen
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Lets everybody go on who waits, in the next turn of the scheduler. */
  open(): void {
    this.#isOpen = true
    for (const run of this.#waiting) this.#timers.soon(run)
    this.#waiting = noneWaiting
  }

  close(): void {
    this.#isOpen = false
  }

  /** Completes once it is open. */
  get await(): Effect.Effect<void> {
    return firstOf(this.#timers, [this])
  }

  /** @internal For {@link firstOf}. */
  add(run: () => void): void {
    this.#waiting = [...this.#waiting, run]
  }

  /** @internal For {@link firstOf}. */
  remove(run: () => void): void {
    const waiting = this.#waiting.filter((other) => other !== run)
    this.#waiting = waiting.length === 0 ? noneWaiting : waiting
  }
}

const noneWaiting: ReadonlyArray<() => void> = []

/** Completes once one of the signals is open or, where a limit is given, after so many ms. */
export const firstOf = (timers: Timers, signals: ReadonlyArray<Awaitable>, millis?: number): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    if (signals.some(({ isOpen }) => isOpen)) return resume(Effect.void)
    const run = () => {
      stop()
      resume(Effect.void)
    }
    const timer = millis === undefined ? undefined : timers.schedule(millis, () => timers.soon(run))
    for (const signal of signals) signal.add(run)
    const stop = () => {
      if (timer !== undefined) timers.cancel(timer)
      for (const signal of signals) signal.remove(run)
    }
    return Effect.sync(stop)
  })
