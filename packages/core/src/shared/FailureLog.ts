/**
 * Decides which failures of a process's topics deserve a warning in the log. When the network is down, all topics fail in the same
 * way again and again: that is one warning, not hundreds.
 */
import { BoundedMap, type Timers } from "@topic-tracker/common"

/** A failure that did not happen for this time is new again. */
const QUIET_MS = 300_000
/** The number of different texts that are remembered. */
const MAX_TEXTS = 64

export class FailureLog {
  readonly #timers: Timers
  /** The time at which each text was last seen, in ms of the timers. */
  readonly #lastSeen = new BoundedMap<string, number>(MAX_TEXTS)

  constructor(timers: Timers) {
    this.#timers = timers
  }

  /** Remembers the text. Returns whether it is new. */
  isNew(text: string): boolean {
    const now = this.#timers.now()
    const last = this.#lastSeen.get(text)
    this.#lastSeen.set(text, now)
    return last === undefined || now - last >= QUIET_MS
  }
}
