/**
 * The engine's turn: everything that happens in one synchronous step. Queues are not flushed and subscribers are not woken within
 * a turn but at its end, so that all messages of a turn go out in one write and a reader takes all events at once. Turns nest.
 */

/** Something with bytes for a stream. */
export interface Flushable {
  readonly flush: () => void
}

/** Something with events for a waiting fiber. */
export interface Wakeable {
  readonly resume: () => void
}

export interface TurnOptions {
  /** Runs a flush at once, or after the current call stack. See `GossipTransport.defer`. */
  readonly defer: (flush: () => void) => void
  /** Runs if a flush throws; the other queues are flushed nevertheless. */
  readonly onDefect: (defect: unknown) => void
}

export class Turn {
  private readonly options: TurnOptions
  private depth = 0
  private isFlushDue = false
  private toFlush: Array<Flushable> = []
  private toWake: Array<Wakeable> = []

  constructor(options: TurnOptions) {
    this.options = options
  }

  begin(): void {
    this.depth++
  }

  /** Ends a turn. A subscriber that the end of the outermost turn wakes may run within this call and begin another turn. */
  end(): void {
    if (--this.depth > 0) return
    if (this.toFlush.length > 0 && !this.isFlushDue) {
      this.isFlushDue = true
      this.options.defer(this.flush)
    }
    while (this.toWake.length > 0) {
      const toWake = this.toWake
      this.toWake = []
      for (const reader of toWake) {
        try {
          reader.resume()
        } catch (defect) {
          this.options.onDefect(defect)
        }
      }
    }
  }

  /** Flushes the queue at the end of the turn. */
  flushAtEnd(queue: Flushable): void {
    this.toFlush.push(queue)
  }

  /** Wakes the reader at the end of the turn. */
  wakeAtEnd(reader: Wakeable): void {
    this.toWake.push(reader)
  }

  private readonly flush = (): void => {
    this.isFlushDue = false
    const toFlush = this.toFlush
    this.toFlush = []
    for (const queue of toFlush) {
      try {
        queue.flush()
      } catch (defect) {
        this.options.onDefect(defect)
      }
    }
  }
}
