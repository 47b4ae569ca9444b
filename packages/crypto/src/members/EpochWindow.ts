/**
 * The minutes whose keys a member of a topic holds and accepts. It has no clock: the caller sets the minute, derives the keys that
 * are missing and adds them. Minutes are u32 numbers, as in an envelope.
 */
import { toHex } from "@topic-tracker/common/Bytes"
import type { EpochKeys } from "./MembersKeys.ts"

/**
 * The furthest that proofs of others may move the minute that we seal for beyond our own, in minutes.
 *
 * @since 0.1.0
 * @category constants
 */
export const MAX_PULL = 7

/**
 * Options of {@link EpochWindow}, in minutes.
 *
 * @since 0.1.0
 * @category options
 */
export interface EpochWindowOptions {
  /** Envelopes of so many past minutes are accepted, and a proof of membership is valid for so long. Default 3. */
  readonly overlap?: number
  /** Envelopes of so many future minutes are accepted. Default 12. */
  readonly ahead?: number
}

/**
 * The window of minutes around our own.
 *
 * @since 0.1.0
 * @category models
 */
export class EpochWindow {
  readonly overlap: number
  readonly ahead: number
  readonly #keys = new Map<number, EpochKeys>()
  readonly #tags = new Map<string, EpochKeys>()
  #own = 0
  #proven = 0
  /** No minute before this one is accepted. */
  #first = 0

  constructor(options: EpochWindowOptions = {}) {
    this.overlap = options.overlap ?? 3
    this.ahead = options.ahead ?? 12
  }

  /** Our own minute. */
  get own(): number {
    return this.#own
  }

  /**
   * Sets our own minute and forgets the keys that are outside of the window. Returns the minutes whose keys the caller must derive and
   * {@link add}: those without keys, and the minute itself, because a rotation may answer otherwise than before.
   */
  setMinute(own: number): ReadonlyArray<number> {
    this.#own = own
    for (const [epoch, keys] of this.#keys) if (!this.#holds(epoch)) this.#remove(keys)
    const missing: Array<number> = [own]
    for (let epoch = Math.max(0, own - this.ahead); epoch <= own + this.ahead; epoch++) {
      if (epoch !== own && !this.#keys.has(epoch)) missing.push(epoch)
    }
    return missing
  }

  /** The minutes whose keys it holds, or should hold. */
  get minutes(): ReadonlyArray<number> {
    const minutes: Array<number> = []
    for (let epoch = Math.max(0, this.#own - this.ahead); epoch <= this.#own + this.ahead; epoch++) minutes.push(epoch)
    return minutes
  }

  /** Adds the keys of a minute, in place of those that it had. Keys outside of the window are ignored. */
  add(keys: EpochKeys): void {
    if (!this.#holds(keys.epoch)) return
    const before = this.#keys.get(keys.epoch)
    if (before !== undefined) this.#remove(before)
    this.#keys.set(keys.epoch, keys)
    this.#tags.set(toHex(keys.doorTag), keys)
  }

  /** The keys of a minute within `ahead` minutes of our own, past or future. */
  keys(epoch: number): EpochKeys | undefined {
    return this.#keys.get(epoch)
  }

  /** The keys whose door tag this is. */
  findTag(doorTag: Uint8Array): EpochKeys | undefined {
    return this.#tags.get(toHex(doorTag))
  }

  /** Whether an envelope of this minute is accepted; one that was asked for may be as old as `ahead`. */
  accepts(epoch: number, wasAskedFor = false): boolean {
    const behind = wasAskedFor ? Math.max(this.ahead, this.overlap) : this.overlap
    return epoch >= this.#first && epoch >= this.#own - behind && epoch <= this.#own + this.ahead
  }

  /** A peer has proven membership for this minute. */
  noteProven(epoch: number): void {
    if (epoch > this.#proven) this.#proven = epoch
  }

  /** From now on no minute before this one is accepted: ends the overlap after a change of the secret. */
  endOverlap(first: number): void {
    this.#first = Math.max(this.#first, first)
  }

  /** The minute that we seal for and name at a door: our own, or a later one of our peers, at most {@link MAX_PULL} later. */
  get speaking(): number {
    return Math.max(this.#own, Math.min(this.#proven, this.#own + MAX_PULL))
  }

  #holds(epoch: number): boolean {
    return Math.abs(epoch - this.#own) <= this.ahead
  }

  #remove(keys: EpochKeys): void {
    this.#keys.delete(keys.epoch)
    const tag = toHex(keys.doorTag)
    if (this.#tags.get(tag) === keys) this.#tags.delete(tag)
  }
}
