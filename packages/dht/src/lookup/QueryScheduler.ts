/**
 * One limit for the queries that all lookups and puts keep open, shared fairly: each source sends one query and goes to the back
 * of the queue, so that no source waits for the end of another. Sources with priority go before all others, but not for more than
 * three of four queries: strangers can cause such lookups, of addresses, and must not keep a topic's records from being read.
 */

/** A lookup or a put. */
export interface QuerySource {
  /** Whether it goes before the sources without priority. */
  readonly priority: boolean
  /** Sends one query, if it has one to send now, and returns whether it did. {@link QueryScheduler.release} ends the query. */
  readonly askOne: () => boolean
}

/** Queries in a row that sources with priority may send while others wait. */
const MAX_IN_A_ROW = 3

export class QueryScheduler {
  private readonly max: number
  private readonly first = new Set<QuerySource>()
  private readonly others = new Set<QuerySource>()
  private openQueries = 0
  /** Queries of sources with priority since the last one of the others, if others waited. */
  private inARow = 0

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
    while (this.openQueries < this.max) {
      const isFirst = this.first.size > 0 && (this.others.size === 0 || this.inARow < MAX_IN_A_ROW)
      const queue = isFirst ? this.first : this.others
      // A Set is iterated in the order of insertion, so that a source added again comes last: a queue.
      const [source] = queue
      if (source === undefined) return
      queue.delete(source)
      if (!source.askOne()) continue
      this.openQueries++
      this.inARow = isFirst && this.others.size > 0 ? this.inARow + 1 : 0
      queue.add(source)
    }
  }
}
