/**
 * What happened in a run, in its order. A run is repeated exactly when its log is; since a log of a large run is long, its
 * hash usually stands for it.
 */

/** Kinds of entries. Their places are what the log's numbers mean: add at the end only. */
export const kinds = [
  "disconnected",
  "NeighborUp",
  "NeighborDown",
  "delivered",
  "command",
  "Join",
  "ForwardJoin",
  "Shuffle",
  "ShuffleReply",
  "Neighbor",
  "Disconnect",
  "Gossip",
  "Prune",
  "Graft",
  "IHave",
  "lost",
] as const

export type Kind = (typeof kinds)[number]

export const kindNumbers = Object.fromEntries(kinds.map((kind, i) => [kind, i])) as Readonly<Record<Kind, number>>

/** Takes the entries of a run. */
export interface EventLog {
  /**
   * At `at` microseconds node `node` saw an entry of this kind, from or about `peer` (−1: nobody). `detail` tells apart what
   * else could differ, such as the start of a message's id.
   */
  readonly add: (at: number, node: number, kind: number, peer: number, detail: number) => void
}

/** Keeps 64 bits of a log: two FNV-1a hashes of 32 bits over the same entries, with different starts. Not cryptographic. */
export class LogHash implements EventLog {
  private a = 0x811c9dc5 | 0
  private b = 0x050c5d1f | 0

  add(at: number, node: number, kind: number, peer: number, detail: number): void {
    this.word(at | 0)
    this.word((at / 0x1_0000_0000) | 0)
    this.word((node << 8) | kind)
    this.word(peer)
    this.word(detail)
  }

  /** The hash so far: 16 hex digits. */
  get hex(): string {
    const digits = (word: number) => (word >>> 0).toString(16).padStart(8, "0")
    return digits(this.a) + digits(this.b)
  }

  private word(word: number): void {
    this.a = Math.imul(this.a ^ word, 0x01000193)
    // Multiplication moves information upwards only; the second hash also takes it down.
    this.b = Math.imul(this.b ^ word ^ (this.b >>> 15), 0x01000193)
  }
}

/** Writes a log as text, one line an entry. */
export class TextLog implements EventLog {
  readonly lines: Array<string> = []

  add(at: number, node: number, kind: number, peer: number, detail: number): void {
    this.lines.push(`${at} ${node} ${kinds[kind]}${peer < 0 ? "" : ` ${peer}`}${detail === 0 ? "" : ` ${detail}`}`)
  }
}
