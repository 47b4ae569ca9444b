/**
 * One bound on the queries that all walks and puts keep open, shared out fairly: each asker sends one query and goes to the
 * back of the queue, so that none waits for another to end, however many there are. Some go ahead of all others.
 */

/** A walk or put. */
export interface Asker {
  /** Whether it goes before those that do not. */
  readonly ahead: boolean
  /** Sends one query if it has one to send now, and says whether it did. The query's end must be told by `release`. */
  readonly askOne: () => boolean
}

export class Turns {
  private readonly max: number
  private readonly ahead = new Set<Asker>()
  private readonly others = new Set<Asker>()
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
    const queue = asker.ahead ? this.ahead : this.others
    queue.add(asker)
    this.pump()
  }

  /** The asker has none to send any more. */
  leave(asker: Asker): void {
    this.ahead.delete(asker)
    this.others.delete(asker)
  }

  /** A query is over, or no longer counts. */
  release(): void {
    this.openQueries--
    this.pump()
  }

  private pump(): void {
    this.serve(this.ahead)
    this.serve(this.others)
  }

  private serve(queue: Set<Asker>): void {
    // A Set is walked in the order of insertion, and what is added meanwhile comes last: a queue.
    for (const asker of queue) {
      if (this.openQueries >= this.max) return
      queue.delete(asker)
      if (!asker.askOne()) continue
      this.openQueries++
      queue.add(asker)
    }
  }
}
