/**
 * One bound on the queries that all walks and puts keep open, shared out fairly: each asker sends one query and goes to the
 * back of the queue, so that none waits for another to end, however many there are.
 */

/** A walk or put. */
export interface Asker {
  /** Sends one query if it has one to send now, and says whether it did. The query's end must be told by `release`. */
  readonly askOne: () => boolean
}

export class Turns {
  private readonly max: number
  private readonly queue = new Set<Asker>()
  private openQueries = 0

  constructor(max: number) {
    this.max = max
  }

  /** How many queries are open. */
  get open(): number {
    return this.openQueries
  }

  /** The asker may have a query to send. */
  schedule(asker: Asker): void {
    this.queue.add(asker)
    this.pump()
  }

  /** The asker has none to send any more. */
  leave(asker: Asker): void {
    this.queue.delete(asker)
  }

  /** A query is over, or no longer counts. */
  release(): void {
    this.openQueries--
    this.pump()
  }

  private pump(): void {
    // A Set is walked in the order of insertion, and what is added meanwhile comes last: a queue.
    for (const asker of this.queue) {
      if (this.openQueries >= this.max) return
      this.queue.delete(asker)
      if (!asker.askOne()) continue
      this.openQueries++
      this.queue.add(asker)
    }
  }
}
