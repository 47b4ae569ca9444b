/**
 * What of the failures of a process's topics is worth a line in the log. When the network is gone all topics fail in the same
 * way, again and again: that is one piece of news, not hundreds.
 */
import type { Timers } from "@topic-tracker/common"
import { keepLatest } from "../keepLatest.ts"

/** A failure that did not happen for so long, in ms, is news again. */
const QUIET = 300_000
/** As many texts are remembered, the latest. */
const MOST_TEXTS = 64

export class FailureLog {
  readonly #timers: Timers
  /** When each happened last, in ms of the timers; the latest last. */
  readonly #happened = new Map<string, number>()

  constructor(timers: Timers) {
    this.#timers = timers
  }

  /** Takes note of the text; whether it is news. */
  isNews(text: string): boolean {
    const now = this.#timers.now()
    const last = this.#happened.get(text)
    keepLatest(this.#happened, text, now, MOST_TEXTS)
    return last === undefined || now - last >= QUIET
  }
}
