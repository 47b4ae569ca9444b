/**
 * The entry of this node: it is signed anew when the state changes, when somebody accuses us, and before it expires. Pure; the caller broadcasts.
 */
import { TokenBucket } from "@topic-tracker/common/TokenBucket"
import { Note } from "@topic-tracker/crypto/members"
import * as Limits from "./limits.ts"
import { encodeHere, encodeSuspect, NoteKind } from "./notes.ts"
import type { Roster } from "./Roster.ts"

/** Options of {@link OwnEntry}. */
export interface OwnEntryOptions {
  readonly self: string
  readonly random: () => number
  readonly wall: () => number
  readonly sign: (kind: number, stamp: number, body: Uint8Array) => Uint8Array
  readonly state: Uint8Array
}

/**
 * The entry of this node.
 *
 * @since 0.1.0
 */
export class OwnEntry {
  readonly #options: OwnEntryOptions
  readonly #roster: Roster
  readonly #since: number
  readonly #rate = new TokenBucket(Limits.OWN_BURST, Limits.CHANGES_PER_SECOND)
  readonly #corrections: Array<number> = []
  #state: Uint8Array
  #stamp = 0
  #accusationStamp = 0
  /** The state was changed, and is signed and sent then. */
  #publishAt = Number.POSITIVE_INFINITY
  #renewAt = 0

  constructor(options: OwnEntryOptions, roster: Roster, now: number) {
    this.#options = options
    this.#roster = roster
    this.#state = options.state
    this.#since = options.wall()
    this.sign(now)
  }

  /** Our entry as it was signed last. */
  get note(): Uint8Array {
    return this.#roster.get(this.#options.self)!.note
  }

  get stamp(): number {
    return this.#stamp
  }

  /** When {@link isDue} or {@link isExpiring} is true. */
  get deadline(): number {
    return Math.min(this.#publishAt, this.#renewAt)
  }

  update(state: Uint8Array, now: number): void {
    this.#state = state
    this.#publishAt = Math.min(this.#publishAt, now + Limits.COALESCE_MS)
  }

  /** Whether a new state is to be signed now. It waits while there were too many. */
  isDue(now: number): boolean {
    if (now < this.#publishAt) return false
    if (this.#rate.take(now)) return true
    this.#publishAt = now + Limits.COALESCE_MS
    return false
  }

  isExpiring(now: number): boolean {
    return now >= this.#renewAt
  }

  /** Signs our entry anew, with a higher stamp. `members`: there are at least so many. */
  sign(now: number, members = 1): void {
    const { random, self, sign } = this.#options
    const count = Math.max(this.#roster.count, Math.min(members, Limits.MAX_MEMBERS))
    const renewMs = Math.min(
      Math.max(Limits.RENEW_MS, count * Limits.RENEW_PER_MEMBER_MS),
      (Limits.MAX_TTL_MINUTES * 60_000) / Limits.LEASE_FACTOR,
    )
    const ttlMinutes = Math.ceil((Limits.LEASE_FACTOR * renewMs) / 60_000)
    const body = encodeHere({ since: this.#since, ttlMinutes, state: this.#state })
    this.#roster.set(self, sign(NoteKind.here, this.#nextStamp(), body), now)
    this.#renewAt = now + renewMs * (0.9 + 0.2 * random())
    this.#publishAt = Number.POSITIVE_INFINITY
  }

  goodbye(): Uint8Array {
    return this.#options.sign(NoteKind.left, this.#nextStamp(), new Uint8Array(0))
  }

  accuse(accused: ReadonlyArray<{ readonly id: Uint8Array; readonly stamp: number }>): Uint8Array {
    this.#accusationStamp = Math.max(this.#accusationStamp + 1, Math.floor(this.#options.wall()))
    return this.#options.sign(NoteKind.suspect, this.#accusationStamp, encodeSuspect(accused))
  }

  /**
   * Somebody showed an entry of ours that is newer than ours: from before our clock was set back, or of another process with our key. The next one
   * gets a higher stamp, unless that happens all the time.
   */
  correct(note: Uint8Array, now: number): "corrected" | "in use" | "given up" {
    while (this.#corrections.length > 0 && now > this.#corrections[0]! + Limits.KEY_IN_USE_MS) this.#corrections.shift()
    if (this.#corrections.length >= Limits.KEY_IN_USE_TIMES) return "given up"
    this.#corrections.push(now)
    this.#stamp = Note.stamp(note)
    return this.#corrections.length === Limits.KEY_IN_USE_TIMES ? "in use" : "corrected"
  }

  #nextStamp(): number {
    this.#stamp = Math.max(this.#stamp + 1, Math.floor(this.#options.wall()))
    return this.#stamp
  }
}
