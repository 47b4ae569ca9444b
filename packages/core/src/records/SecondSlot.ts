/**
 * Decides when a topic uses its second slot. The place of a minute's public slot follows from the topic's name, so a stranger can fill
 * it; the place of the second one follows from the secret too (PROTOCOL.md). It costs a lookup and a put more, so it is used only
 * while something is wrong with the public slot. Plain state: it knows no DHT and no clock.
 */
import { BoundedMap } from "@topic-tracker/common"

/**
 * The reason why the second slot is used. `garbage`: the public slot shows items that are no records of the topic. `hidden`: DHT nodes have
 * confirmed our record, but the public slot shows none.
 *
 * @since 0.1.0
 * @category models
 */
export type SecondSlotReason = "garbage" | "hidden"

/**
 * A change in the use of a topic's slots.
 *
 * @since 0.1.0
 * @category models
 */
export type SlotEvent =
  /** The DHT has confirmed our record of the minute, but lookups find neither ours nor another one. */
  | { readonly _tag: "RecordHidden"; readonly unixMinute: bigint }
  /** Records are read from and put into the second slot too. */
  | { readonly _tag: "SecondSlotBegan"; readonly reason: SecondSlotReason }
  /** Nothing was wrong with the public slot for ten minutes: the second one is no longer used. */
  | { readonly _tag: "SecondSlotEnded" }

/** The time after the last sign for which the second slot is used, in ms: the length of some publisher rounds of all members. */
const USED_FOR_MS = 600_000
/** The number of lookups in a row, the last of all nodes, after which a record counts as hidden. */
const MISSES = 2
/** The number of minutes whose record is checked. */
const MAX_MINUTES = 4

/** A lookup of the public slot, as far as it was watched. */
export interface WatchedLookup {
  readonly unixMinute: bigint
  /** In ms. */
  readonly beganAt: number
  /** Whether it asked all nodes of the slot. */
  readonly asksAll: boolean
  /** Whether it found a record of a member, also our own. */
  readonly hasFoundRecord: boolean
}

/** Times are in ms of any clock that only goes forward. */
export class SecondSlot {
  /** The number of times that our record was hidden. */
  hiddenCount = 0
  #usedUntil = Number.NEGATIVE_INFINITY
  #isReported = false
  /** The time at which our record of a minute was stored, until a lookup has found it or another record of the minute. */
  readonly #unconfirmed = new BoundedMap<bigint, number>(MAX_MINUTES)
  #misses = 0
  /** The newest minute of which our record is in the second slot. */
  #publishedMinute: bigint | undefined

  isUsed(now: number): boolean {
    return now < this.#usedUntil
  }

  /** Whether the second slot is used, but has no record of ours of this minute. */
  lacksRecord(unixMinute: bigint, now: number): boolean {
    return this.isUsed(now) && this.#publishedMinute !== unixMinute
  }

  /** Whether a lookup of this minute must ask all nodes: one that asked a few did not find our record. */
  isSuspect(unixMinute: bigint): boolean {
    return this.#misses > 0 && this.#unconfirmed.has(unixMinute)
  }

  /** The end of the use, if it is over and was not reported. */
  takeEnd(now: number): ReadonlyArray<SlotEvent> {
    if (!this.#isReported || this.isUsed(now)) return []
    this.#isReported = false
    return [{ _tag: "SecondSlotEnded" }]
  }

  /** The public slot shows an item that is no record of the topic. */
  garbageFound(now: number): ReadonlyArray<SlotEvent> {
    return this.#use("garbage", now)
  }

  /** Our record of the minute is in the public slot, as DHT nodes say. */
  storedPublic(unixMinute: bigint, now: number): void {
    this.#unconfirmed.set(unixMinute, now)
  }

  /** Our record of the minute is in the second slot. */
  storedSecond(unixMinute: bigint): void {
    this.#publishedMinute = unixMinute
  }

  /** A lookup of the public slot has had all its answers. */
  lookupEnded({ asksAll, beganAt, hasFoundRecord, unixMinute }: WatchedLookup, now: number): ReadonlyArray<SlotEvent> {
    const storedAt = this.#unconfirmed.get(unixMinute)
    if (storedAt === undefined || beganAt < storedAt) return []
    if (hasFoundRecord) {
      this.#unconfirmed.delete(unixMinute)
      this.#misses = 0
      return []
    }
    this.#misses++
    if (!asksAll || this.#misses < MISSES) return []
    this.#unconfirmed.delete(unixMinute)
    this.#misses = 0
    this.hiddenCount++
    return [{ _tag: "RecordHidden", unixMinute }, ...this.#use("hidden", now)]
  }

  #use(reason: SecondSlotReason, now: number): ReadonlyArray<SlotEvent> {
    this.#usedUntil = now + USED_FOR_MS
    if (this.#isReported) return []
    this.#isReported = true
    return [{ _tag: "SecondSlotBegan", reason }]
  }
}
