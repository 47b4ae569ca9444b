/**
 * A condition that fibers wait for, alone or with other conditions and a time limit. Effect's Latch, race and sleep need one fiber per
 * condition; an idle topic waits all the time, and a process may have hundreds of topics. Here a wait is one entry in a list, and all
 * time limits share the one sleeping fiber of {@link Timers}.
 */

import { Effect } from "effect"
import type { Timers } from "./Timers.ts"

/**
 * A condition that {@link firstOf} can wait for.
 *
 * @since 0.1.0
 * @category models
 */
export interface Awaitable {
  readonly isOpen: boolean
  /** Registers a callback that runs once, when the condition opens. */
  readonly add: (run: () => void) => void
  /** Removes a callback that has not run. */
  readonly remove: (run: () => void) => void
}

/**
 * A condition that code opens and closes. Waiting fibers continue when it opens.
 *
 * @since 0.1.0
 * @category models
 */
export class Signal implements Awaitable {
  readonly #timers: Timers
  #isOpen: boolean
  /** One callback without a Set around it: most signals have one at most. A Set, because thousands of messages may wait for a neighbour. */
  #waiting: (() => void) | Set<() => void> | undefined

  constructor(timers: Timers, isOpen: boolean) {
    this.#timers = timers
    this.#isOpen = isOpen
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Opens the signal. Waiting fibers continue in the next turn of the scheduler. */
  open(): void {
    this.#isOpen = true
    const waiting = this.#waiting
    this.#waiting = undefined
    if (typeof waiting === "function") this.#timers.runSoon(waiting)
    else if (waiting !== undefined) for (const run of waiting) this.#timers.runSoon(run)
  }

  close(): void {
    this.#isOpen = false
  }

  /** Completes when the signal is open. */
  readonly await: Effect.Effect<void> = Effect.suspend(() => firstOf(this.#timers, [this]))

  add(run: () => void): void {
    if (this.#waiting === undefined) this.#waiting = run
    else if (typeof this.#waiting === "function") this.#waiting = new Set([this.#waiting, run])
    else this.#waiting.add(run)
  }

  remove(run: () => void): void {
    if (this.#waiting === run) this.#waiting = undefined
    else if (typeof this.#waiting === "object") this.#waiting.delete(run)
  }
}

/**
 * Completes when one of the signals is open, or after `millis` if it is given.
 *
 * @since 0.1.0
 * @category operations
 */
export const firstOf = (timers: Timers, signals: ReadonlyArray<Awaitable>, millis?: number): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    if (signals.some(({ isOpen }) => isOpen)) return resume(Effect.void)
    const run = () => {
      stop()
      resume(Effect.void)
    }
    const timer = millis === undefined ? undefined : timers.schedule(millis, () => timers.runSoon(run))
    for (const signal of signals) signal.add(run)
    const stop = () => {
      if (timer !== undefined) timers.cancel(timer)
      for (const signal of signals) signal.remove(run)
    }
    return Effect.sync(stop)
  })
