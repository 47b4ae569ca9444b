/** Decides which notes a node believes and passes on: the form and the time of an entry, the signatures that it checks for a neighbour, the changes of an author. Pure. */
import { TokenBuckets } from "@topic-tracker/common/TokenBucket"
import { Note } from "@topic-tracker/crypto/members"
import * as Limits from "./limits.ts"
import { decodeHere, type Here, NoteKind } from "./notes.ts"

/**
 * Counters. They only grow.
 *
 * @since 0.1.0
 * @category models
 */
export interface PresenceStats {
  /** Notes that were not believed: a wrong form, time or signature. */
  refused: number
  /** Notes beyond the rate of their author, or beyond the number of members. */
  limited: number
  /** Accusations of us that we refuted. */
  refuted: number
  /** Exchanges of differences that taught us something. */
  learnt: number
}

const MAX_AUTHORS = 4_096
const MAX_NEIGHBORS = 64

/**
 * Checks of notes.
 *
 * @since 0.1.0
 */
export class NoteChecks {
  readonly stats: PresenceStats = { refused: 0, limited: 0, refuted: 0, learnt: 0 }
  readonly #verify: (note: Uint8Array) => boolean
  readonly #authors = new TokenBuckets<string>(MAX_AUTHORS, Limits.AUTHOR_BURST, Limits.CHANGES_PER_SECOND)
  readonly #neighbors = new TokenBuckets<string>(MAX_NEIGHBORS, Limits.CHECKS_BURST, Limits.CHECKS_PER_SECOND)

  constructor(verify: (note: Uint8Array) => boolean) {
    this.#verify = verify
  }

  /** The entry or goodbye in a note; `malformed` is to be rejected, `untimely` was signed too long ago or in the future. */
  read(note: Uint8Array, wall: number): Here | "goodbye" | "malformed" | "untimely" {
    const body = Note.body(note)
    const here = Note.kind(note) === NoteKind.here ? decodeHere(body) : undefined
    if (here === undefined && (Note.kind(note) !== NoteKind.left || body.length > 0)) return this.refuse("malformed")
    const stamp = Note.stamp(note)
    if (stamp > wall + Limits.CLOCK_SKEW_MS) return this.refuse("untimely")
    if (here !== undefined && stamp + here.ttlMinutes * 60_000 + Limits.CLOCK_SKEW_MS < wall) return "untimely"
    return here ?? "goodbye"
  }

  /** Whether the author changes seldom enough that this goes on to others. Counts it. */
  mayForward(author: string, now: number): boolean {
    return this.#take(this.#authors, author, now)
  }

  /** Checks the signature, if the neighbour did not cause too many checks. */
  check(from: string, note: Uint8Array, now: number): "valid" | "invalid" | "busy" {
    if (!this.#take(this.#neighbors, from, now)) return "busy"
    return this.#verify(note) ? "valid" : this.refuse("invalid")
  }

  /** Counts a note that is not believed. */
  refuse<const A>(result: A): A {
    this.stats.refused++
    return result
  }

  #take(buckets: TokenBuckets<string>, key: string, now: number): boolean {
    const isWithin = buckets.take(key, now)
    if (!isWithin) this.stats.limited++
    return isWithin
  }
}
