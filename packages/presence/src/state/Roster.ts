/**
 * The knowledge of a node about the members: of each the newest entry that it signed, and whether it is here, left or is lost. Beside them the root, by which
 * two nodes see whether they know the same. Pure data; the rules of who comes and goes are in PresenceState.ts.
 */
import { Bytes } from "@topic-tracker/common"
import { Note } from "@topic-tracker/crypto/members"
import { MAX_ROOTS, ROOT_MS } from "./limits.ts"
import { decodeHere, type Here, NoteKind } from "./notes.ts"
import type { Item, Root } from "./whispers.ts"

/**
 * A member that is here, or was.
 *
 * @since 0.1.0
 * @category models
 */
export interface Entry {
  /** Hex of the endpoint id. */
  readonly member: string
  /** Its newest entry or goodbye, as it signed it. */
  note: Uint8Array
  /** Its part of the root: the first 8 bytes of the signature. */
  high: number
  low: number
  stamp: number
  /** Of the last entry; it stays after a goodbye. */
  here: Here
  status: "here" | "left" | "lost"
  /** The accusations of this stamp, by accuser. */
  accusations: Map<string, Uint8Array> | undefined
  suspectedAt: number
  lostAt: number
  /** It was lost together with many: it comes back when a neighbour shows it as it was. */
  isParted: boolean
}

const NO_STATE: Here = { since: 0, ttlMinutes: 1, state: new Uint8Array(0) }

/** 53 bits of a root, which is enough to look it up among {@link MAX_ROOTS}. */
const rootKey = ({ high, low }: Root): number => (high & 0x1f_ffff) * 2 ** 32 + (low >>> 0)

/**
 * The members by id.
 *
 * @since 0.1.0
 */
export class Roster {
  readonly #entries = new Map<string, Entry>()
  readonly #maxMembers: number
  /** Former roots, and until when each was ours. */
  readonly #roots = new Map<number, number>()
  #byPrefix: Map<string, Entry> | undefined
  #sorted: Array<string> | undefined
  #high = 0
  #low = 0
  #count = 0

  constructor(maxMembers: number) {
    this.#maxMembers = maxMembers
  }

  /** The members that are here. */
  get count(): number {
    return this.#count
  }

  get root(): Root {
    return { high: this.#high >>> 0, low: this.#low >>> 0 }
  }

  /** All, also those that are gone. */
  get entries(): Iterable<Entry> {
    return this.#entries.values()
  }

  get(member: string): Entry | undefined {
    return this.#entries.get(member)
  }

  /** The entry whose id begins with these 16 hex digits. */
  byPrefix(prefix: string): Entry | undefined {
    if (this.#byPrefix === undefined) {
      this.#byPrefix = new Map()
      for (const entry of this.#entries.values()) this.#byPrefix.set(entry.member.slice(0, 16), entry)
    }
    return this.#byPrefix.get(prefix)
  }

  isRoot({ high, low }: Root): boolean {
    return this.#high >>> 0 === high && this.#low >>> 0 === low
  }

  /** Whether this was our root a short time ago. */
  wasRoot(root: Root, now: number): boolean {
    return now < (this.#roots.get(rootKey(root)) ?? Number.NEGATIVE_INFINITY) + ROOT_MS
  }

  /** Whether the entry or goodbye is newer than what is known. Of two with one stamp all nodes take the same. */
  isNewer(member: string, note: Uint8Array): boolean {
    const entry = this.#entries.get(member)
    if (entry === undefined) return true
    const stamp = Note.stamp(note)
    if (stamp !== entry.stamp) return stamp > entry.stamp
    return Bytes.compare(Note.signature(note), Note.signature(entry.note)) > 0
  }

  /** Whether there is room for another member, here or gone, if need be instead of one that is gone. As many may be gone as may be here. */
  makeRoom(isHere: boolean): boolean {
    if (isHere && this.#count >= this.#maxMembers) return false
    if (this.#entries.size < 2 * this.#maxMembers) return true
    for (const entry of this.#entries.values()) {
      if (entry.status === "here") continue
      this.remove(entry)
      return true
    }
    return false
  }

  /** Takes an entry or a goodbye that {@link isNewer}. */
  set(member: string, note: Uint8Array, now: number): Entry {
    this.#remember(now)
    let entry = this.#entries.get(member)
    if (entry?.status === "here") this.#toggle(entry, -1)
    const here = Note.kind(note) === NoteKind.here ? decodeHere(Note.body(note)) : undefined
    if (entry === undefined) {
      entry = {
        member,
        note,
        high: 0,
        low: 0,
        stamp: 0,
        here: here ?? NO_STATE,
        status: "left",
        accusations: undefined,
        suspectedAt: 0,
        lostAt: 0,
        isParted: false,
      }
      this.#entries.set(member, entry)
      this.#byPrefix?.set(member.slice(0, 16), entry)
      this.#sorted = undefined
    }
    const fields = new DataView(note.buffer, note.byteOffset + note.length - 64, 8)
    entry.note = note
    entry.high = fields.getInt32(0)
    entry.low = fields.getInt32(4)
    entry.stamp = Note.stamp(note)
    entry.accusations = undefined
    entry.isParted = false
    if (here === undefined) entry.status = "left"
    else {
      entry.here = here
      entry.status = "here"
      this.#toggle(entry, 1)
    }
    return entry
  }

  /** The member is lost, with its entry as it is. It was lost at `lostAt`. */
  lose(entry: Entry, isParted: boolean, now: number, lostAt = now): void {
    if (entry.status !== "here") return
    this.#remember(now)
    this.#toggle(entry, -1)
    entry.status = "lost"
    entry.lostAt = lostAt
    entry.isParted = isParted
  }

  /** The member was not lost. */
  revive(entry: Entry, now: number): void {
    if (entry.status !== "lost") return
    this.#remember(now)
    entry.status = "here"
    entry.accusations = undefined
    entry.isParted = false
    this.#toggle(entry, 1)
  }

  /** Forgets a member that is gone. */
  remove(entry: Entry): void {
    this.#entries.delete(entry.member)
    this.#byPrefix?.delete(entry.member.slice(0, 16))
    this.#sorted = undefined
  }

  /** The roots of 2^bits parts of the ids. */
  buckets(bits: number): ReadonlyArray<Root> {
    const highs = new Int32Array(2 ** bits)
    const lows = new Int32Array(2 ** bits)
    for (const { high, low, member, status } of this.#entries.values()) {
      if (status !== "here") continue
      const bucket = bucketOf(member, bits)
      highs[bucket]! ^= high
      lows[bucket]! ^= low
    }
    return Array.from(highs, (each, i) => ({ high: each >>> 0, low: lows[i]! >>> 0 }))
  }

  /** The members here of these parts. */
  itemsOf(bits: number, buckets: ReadonlySet<number>): ReadonlyArray<Item> {
    const items: Array<Item> = []
    for (const { member, stamp, status } of this.#entries.values()) {
      if (status === "here" && buckets.has(bucketOf(member, bits))) items.push({ prefix: member.slice(0, 16), stamp })
    }
    return items
  }

  /** The entries of members that are here and whose id is over `after`, ascending, up to so many bytes. */
  page(after: string, maxBytes: number): { readonly notes: ReadonlyArray<Uint8Array>; readonly isLast: boolean } {
    this.#sorted ??= [...this.#entries.keys()].sort()
    const notes: Array<Uint8Array> = []
    let bytes = 0
    for (let i = firstOver(this.#sorted, after); i < this.#sorted.length; i++) {
      const { note, status } = this.#entries.get(this.#sorted[i]!)!
      if (status !== "here") continue
      if (bytes + note.length + 2 > maxBytes) return { notes, isLast: false }
      notes.push(note)
      bytes += note.length + 2
    }
    return { notes, isLast: true }
  }

  #toggle({ high, low }: Entry, by: 1 | -1): void {
    this.#high ^= high
    this.#low ^= low
    this.#count += by
  }

  /** The root is about to change. */
  #remember(now: number): void {
    const key = rootKey(this.root)
    this.#roots.delete(key)
    this.#roots.set(key, now)
    if (this.#roots.size > MAX_ROOTS) this.#roots.delete(this.#roots.keys().next().value!)
  }
}

/** The number that the first bits of an id are. */
export const bucketOf = (member: string, bits: number): number =>
  bits === 0 ? 0 : Number.parseInt(member.slice(0, 4), 16) >>> (16 - bits)

/** The place of the first id over this one. */
const firstOver = (sorted: ReadonlyArray<string>, after: string): number => {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle]! <= after) low = middle + 1
    else high = middle
  }
  return low
}
