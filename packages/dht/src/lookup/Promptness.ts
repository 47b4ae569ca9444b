/**
 * The share of the asked nodes of one lookup that answered soon. On the public DHT half of the nodes that others name are gone: a
 * lookup that waits for each of the four nearest before it asks the fifth waits for several of them one after the other. After the
 * Tail at Scale (Dean and Barroso, CACM 2013): hedged requests.
 */

/** Nodes that are taken for prompt ones at first, so that one late node does not count as half of all. */
const ASSUMED_PROMPT = 2

/** The most nodes asked in place of one. */
const MAX_WIDENING = 3

export class Promptness {
  /** Nodes that answered before they were late. */
  prompt = 0
  /** Nodes that were late, whether they answered or not. */
  late = 0

  /** The number of nodes to ask so that `count` of them will probably answer soon; `count` until the first node was late. */
  widened(count: number): number {
    if (this.late === 0) return count
    const prompt = this.prompt + ASSUMED_PROMPT
    return Math.min(MAX_WIDENING * count, Math.ceil((count * (prompt + this.late)) / prompt))
  }
}
