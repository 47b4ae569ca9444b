/**
 * One limit on the memory of all topics of a node for messages that they remember. When it is exceeded, the topic that holds the most
 * drops its oldest messages: a flood in one topic then costs that topic, and not the quiet ones. It knows no message.
 */

/** A topic's messages, as the budget sees them. */
export interface BudgetedHistory {
  /** The memory that the messages take, in bytes. */
  readonly bytes: number
  /** Drops the oldest messages until about this many bytes are free. */
  readonly dropOldest: (bytes: number) => void
}

/** A topic drops at least this part of what it holds: the search for the largest topic looks at all of them. */
const LEAST_PART = 16

export class HistoryBudget {
  private readonly maxBytes: number
  /** The histories that are not empty, and what each held when it last reported. */
  private readonly held = new Map<BudgetedHistory, number>()
  private total = 0

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
  }

  /** The memory of all histories in bytes. */
  get bytes(): number {
    return this.total
  }

  /** A history has grown or shrunk. */
  changed(history: BudgetedHistory): void {
    this.note(history)
    while (this.total > this.maxBytes) {
      const [largest, bytes] = this.largest()
      largest.dropOldest(Math.max(this.total - this.maxBytes, bytes / LEAST_PART))
      this.note(largest)
    }
  }

  private note(history: BudgetedHistory): void {
    const { bytes } = history
    this.total += bytes - (this.held.get(history) ?? 0)
    if (bytes > 0) this.held.set(history, bytes)
    else this.held.delete(history)
  }

  private largest(): readonly [BudgetedHistory, number] {
    let largest: readonly [BudgetedHistory, number] | undefined
    for (const entry of this.held) if (largest === undefined || entry[1] > largest[1]) largest = entry
    return largest!
  }
}
