/**
 * One limit for the queries that all lookups and puts keep open, shared fairly: each source sends one query and goes to the back
 * of the queue, so that no source waits for the end of another. Sources with priority go before all others.
 */

/** A lookup or a put. */
export interface QuerySource {
  /** Whether it goes before the sources without priority. */
  readonly priority: boolean
  /** Sends one query, if it has one to send now, and returns whether it did. {@link QueryScheduler.release} ends the query. */
  readonly askOne: () => boolean
}

export class QueryScheduler {
  private readonly max: number
  private readonly first = new Set<QuerySource>()
  private readonly others = new Set<QuerySource>()
  private openQueries = 0

  /** `max`: queries that may be open at the same time. */
  constructor(max: number) {
    this.max = max
  }

  /** Open queries. */
  get open(): number {
    return this.openQueries
  }

  /** The source may have a query to send. */
  schedule(source: QuerySource): void {
    const queue = source.priority ? this.first : this.others
    queue.add(source)
    this.pump()
  }

  /** The source has no more queries to send. */
  remove(source: QuerySource): void {
    this.first.delete(source)
    this.others.delete(source)
  }

  /** A query has ended, or no longer counts. */
  release(): void {
    this.openQueries--
    this.pump()
  }

  private pump(): void {
    this.serve(this.first)
    this.serve(this.others)
  }

  private serve(queue: Set<QuerySource>): void {
    // A Set is iterated in the order of insertion, and entries added meanwhile come last: a queue.
    for (const source of queue) {
      if (this.openQueries >= this.max) return
      queue.delete(source)
      if (!source.askOne()) continue
      this.openQueries++
      queue.add(source)
    }
  }
}
