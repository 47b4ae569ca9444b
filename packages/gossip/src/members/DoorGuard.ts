/**
 * Which endpoint ids may try the door: an id that failed waits before its next try. Plain data, without a clock. Its memory is bounded;
 * an outsider with many ids pays for each with a QUIC handshake, and finds no topic without its tag.
 */
import { BoundedMap } from "@topic-tracker/common/BoundedMap"

const MAX_IDS = 1024
const FIRST_BAN_MS = 10_000
const MAX_BAN_MS = 5 * 60_000
/** An id that made no mistake for so long begins anew. */
const FORGET_MS = 15 * 60_000
const TRIES = 10
const TRIES_MS = 60_000

interface Entry {
  bannedUntil: number
  wrongProofs: number
  tries: number
  triesSince: number
  lastAt: number
}

/**
 * The back-off of failed doors, by endpoint id.
 *
 * @since 0.1.0
 * @category models
 */
export class DoorGuard {
  readonly #entries = new BoundedMap<string, Entry>(MAX_IDS)

  /** Whether the id may try now. */
  mayTry(id: string, now: number): boolean {
    const entry = this.#entries.get(id)
    return entry === undefined || now >= entry.bannedUntil
  }

  /** The id sent a wrong proof: it waits 10 s, then twice as long each time, up to 5 minutes. */
  noteWrongProof(id: string, now: number): void {
    const entry = this.#touch(id, now)
    this.#ban(entry, now + Math.min(MAX_BAN_MS, FIRST_BAN_MS * 2 ** entry.wrongProofs))
    entry.wrongProofs++
  }

  /** The id asked for a topic that is not here. After 10 in a minute it waits for the rest of the minute. */
  noteUnknownTag(id: string, now: number): void {
    const entry = this.#touch(id, now)
    if (now - entry.triesSince >= TRIES_MS) {
      entry.triesSince = now
      entry.tries = 0
    }
    entry.tries++
    if (entry.tries >= TRIES) this.#ban(entry, entry.triesSince + TRIES_MS)
  }

  /** Refuses the id for a time, for what it did as a neighbour. */
  ban(id: string, forMs: number, now: number): void {
    this.#ban(this.#touch(id, now), now + forMs)
  }

  #ban(entry: Entry, until: number): void {
    entry.bannedUntil = Math.max(entry.bannedUntil, until)
  }

  #touch(id: string, now: number): Entry {
    let entry = this.#entries.get(id)
    if (entry === undefined || (now - entry.lastAt > FORGET_MS && now >= entry.bannedUntil)) {
      entry = { bannedUntil: 0, wrongProofs: 0, tries: 0, triesSince: now, lastAt: now }
    }
    entry.lastAt = now
    this.#entries.set(id, entry)
    return entry
  }
}
