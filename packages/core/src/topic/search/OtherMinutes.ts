/**
 * Which minutes a node reads in addition while it stays alone: its clock, or that of the others, may be wrong by up to ten minutes. To find
 * a record is enough, since a dial needs no clock. Plain state; times are in ms of the timers.
 */

/**
 * The offsets of the minutes of each turn, in minutes. The newest first: the newest record shows the difference between the clocks. A node
 * reads the current minute and the one before anyway.
 */
const TURNS: ReadonlyArray<ReadonlyArray<number>> = [
  [3, 2, 1, -2, -3],
  [6, 5, 4, -4, -5, -6],
  [8, 7, -7, -8],
  [10, 9, -9, -10],
]
/** The largest of these offsets. */
export const MAX_OFFSET = 10n
/** Most nodes that are alone are so because no other runs, so the first turn waits, and after all turns they become rare. */
const FIRST_AFTER_MS = 30_000
const NEXT_AFTER_MS = 20_000
const NEXT_ROUND_AFTER_MS = 300_000

export class OtherMinutes {
  #turn = 0
  #nextAt = Number.POSITIVE_INFINITY
  /** The offset at which a peer was found. */
  #known: number | undefined

  /** A search begins. */
  begin(now: number): void {
    this.#turn = 0
    this.#nextAt = this.#known === undefined ? now + FIRST_AFTER_MS : now
  }

  /** The minutes to read now; empty if no turn is due. */
  takeDue(now: number, unixMinute: bigint): ReadonlyArray<bigint> {
    if (now < this.#nextAt) return []
    const offsets = TURNS[this.#turn % TURNS.length] ?? []
    this.#turn++
    this.#nextAt = now + (this.#turn < TURNS.length ? NEXT_AFTER_MS : NEXT_ROUND_AFTER_MS)
    const known = this.#known === undefined ? [] : [this.#known + 1, this.#known, this.#known - 1]
    return [...new Set([...known, ...offsets])]
      .map((offset) => unixMinute + BigInt(offset))
      .filter((minute) => minute >= 0n)
  }

  /**
   * The node has joined through a record of this minute. Returns by how many minutes its clock is ahead of that of the record's node
   * (negative: behind), if that was not known; undefined if the clocks agree.
   */
  joinedThrough(recordMinute: bigint, unixMinute: bigint): number | undefined {
    const offset = Number(recordMinute - unixMinute)
    if ((offset >= -1 && offset <= 1) || this.#known !== undefined) return undefined
    this.#known = offset
    return -offset
  }
}
