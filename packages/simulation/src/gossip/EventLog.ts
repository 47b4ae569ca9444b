/**
 * The event log of a gossip run. Two runs are equal if their logs are. The log of a large run is long, so usually only its hash
 * is kept.
 */

/** Kinds of entries. The log holds the position in this list: add new kinds at the end only. */
export const eventKinds = [
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

export type EventKind = (typeof eventKinds)[number]

export const eventKindNumbers = Object.fromEntries(eventKinds.map((kind, i) => [kind, i])) as Readonly<
  Record<EventKind, number>
>

/** Receives the entries of a run. */
export interface EventLog {
  /**
   * At `at` microseconds node `node` had an event of this kind, from or about `peer` (−1: no peer). `detail` holds what else may
   * differ, such as the start of a message's id.
   */
  readonly addEntry: (at: number, node: number, kind: number, peer: number, detail: number) => void
}

/** Hashes a log to 64 bits: two FNV-1a hashes of 32 bits over the same entries, with different starts. Not cryptographic. */
export class LogHash implements EventLog {
  #a = 0x811c9dc5 | 0
  #b = 0x050c5d1f | 0

  addEntry(at: number, node: number, kind: number, peer: number, detail: number): void {
    this.#hashWord(at | 0)
    this.#hashWord((at / 0x1_0000_0000) | 0)
    this.#hashWord((node << 8) | kind)
    this.#hashWord(peer)
    this.#hashWord(detail)
  }

  /** The hash so far: 16 hex digits. */
  get hex(): string {
    const digits = (word: number) => (word >>> 0).toString(16).padStart(8, "0")
    return digits(this.#a) + digits(this.#b)
  }

  #hashWord(word: number): void {
    this.#a = Math.imul(this.#a ^ word, 0x01000193)
    // Multiplication moves information to higher bits only; the second hash also moves it to lower bits.
    this.#b = Math.imul(this.#b ^ word ^ (this.#b >>> 15), 0x01000193)
  }
}

/** Keeps a log as text, one line for each entry. */
export class TextLog implements EventLog {
  readonly lines: Array<string> = []

  addEntry(at: number, node: number, kind: number, peer: number, detail: number): void {
    this.lines.push(`${at} ${node} ${eventKinds[kind]}${peer < 0 ? "" : ` ${peer}`}${detail === 0 ? "" : ` ${detail}`}`)
  }
}
