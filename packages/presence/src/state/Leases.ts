/** The time for which entries are believed: an entry that was not renewed is of a member that crashed while it had no neighbour. Pure. */
import * as Limits from "./limits.ts"
import type { Entry, Roster } from "./Roster.ts"

/**
 * The leases of all entries but our own.
 *
 * @since 0.1.0
 */
export class Leases {
  readonly #roster: Roster
  readonly #self: string
  /** No entry expires before that, by the wall clock. */
  #nextAt = Number.POSITIVE_INFINITY

  constructor(roster: Roster, self: string) {
    this.#roster = roster
    this.#self = self
  }

  /** An entry was taken. */
  note(entry: Entry): void {
    this.#nextAt = Math.min(this.#nextAt, expiryOf(entry))
  }

  /** The members here whose entries have expired. Forgets those that were gone already. */
  takeExpired(wall: number): ReadonlyArray<Entry> {
    if (wall <= this.#nextAt) return []
    this.#nextAt = Number.POSITIVE_INFINITY
    const expired: Array<Entry> = []
    for (const entry of [...this.#roster.entries]) {
      if (entry.member === this.#self) continue
      const expiresAt = expiryOf(entry)
      if (expiresAt >= wall) this.#nextAt = Math.min(this.#nextAt, expiresAt)
      else if (entry.status !== "here") this.#roster.remove(entry)
      else {
        expired.push(entry)
        // Kept until the next time, so that no neighbour brings it back meanwhile.
        this.#nextAt = wall
      }
    }
    return expired
  }
}

/** By the wall clock; clocks of others may be wrong. */
const expiryOf = ({ here, stamp }: Entry): number => stamp + here.ttlMinutes * 60_000 + Limits.CLOCK_SKEW_MS
