/**
 * The lines to the neighbours: digests on each of them, and, if two nodes know different things, the exchange that makes it the same. A newcomer
 * reads the whole list from one neighbour. Pure: the caller sends, and has the clock; what a note means is decided by `host`.
 */
import { toHex } from "@topic-tracker/common/Bytes"
import { Note } from "@topic-tracker/crypto/members"
import { type Line, makeLine } from "./Line.ts"
import * as Limits from "./limits.ts"
import { bucketOf, type Entry, type Roster } from "./Roster.ts"
import { DigestFlag, decodeWhisper, encodeWhisper, ITEM_BYTES, type Item, MAX_BITS, type Whisper } from "./whispers.ts"

/** The part of the state that the lines need. */
export interface LinesHost {
  readonly self: string
  readonly roster: Roster
  readonly random: () => number
  readonly send: (peer: string, bytes: Uint8Array) => void
  /** Takes a note that a neighbour gave, and tells whether it changed something; undefined if it is forged. */
  readonly take: (peer: string, note: Uint8Array, now: number) => boolean | undefined
  /** A neighbour shows a member as here that is gone for us: brings it back (true), or gives the notes that prove it gone. */
  readonly dispute: (entry: Entry, now: number) => true | ReadonlyArray<Uint8Array>
}

const ZERO_ID = "0".repeat(64)

/**
 * All lines of a node.
 *
 * @since 0.1.0
 */
export class Lines {
  readonly #host: LinesHost
  readonly #lines = new Map<string, Line>()
  #exchangeAfter = Number.NEGATIVE_INFINITY
  /** The neighbour whose list we read, and when it gave the last page. */
  #pull: { readonly peer: string; at: number; after: string } | undefined
  #tellAt = Number.POSITIVE_INFINITY
  #learntFrom: string | undefined
  /** The latest time at which any neighbour was heard. */
  heardAt: number | undefined

  constructor(host: LinesHost) {
    this.#host = host
  }

  get size(): number {
    return this.#lines.size
  }

  has(peer: string): boolean {
    return this.#lines.has(peer)
  }

  up(peer: string, now: number): void {
    this.heardAt = now
    // A newcomer asks at once how many members there are.
    const digestMs = this.#host.roster.count === 1 ? 0 : Limits.FIRST_DIGEST_MS * (0.9 + 0.2 * this.#host.random())
    this.#lines.set(peer, makeLine(peer, digestMs, now))
  }

  /** The most members that a neighbour knows, as far as it told; 0 if none has. */
  get toldCount(): number {
    let most = 0
    for (const { count } of this.#lines.values()) most = Math.max(most, count)
    return most
  }

  down(peer: string): void {
    this.#lines.delete(peer)
    if (this.#pull?.peer === peer) this.#pull = undefined
  }

  /** Neighbours that have been silent for too long since the last call. Each is told once, until it is heard again. */
  takeSilent(now: number): ReadonlyArray<string> {
    const silent: Array<string> = []
    for (const line of this.#lines.values()) {
      if (line.isSilent || now < line.heardAt + Limits.SILENT_MS) continue
      line.isSilent = true
      silent.push(line.peer)
    }
    return silent
  }

  /** Whether the neighbour was heard a short time ago. */
  isHeard(peer: string): boolean {
    return this.#lines.get(peer)?.isSilent === false
  }

  /** The process stood still for so long: nobody is to blame for the silence. */
  excuse(ms: number): void {
    for (const line of this.#lines.values()) line.heardAt += ms
    if (this.heardAt !== undefined) this.heardAt += ms
  }

  /** When {@link tick} has something to do. */
  get deadline(): number {
    let at = this.#tellAt
    if (this.#pull !== undefined) at = Math.min(at, this.#pull.at + Limits.PULL_MS)
    for (const line of this.#lines.values()) {
      at = Math.min(at, line.digestAt, line.compareAt)
      if (!line.isSilent) at = Math.min(at, line.heardAt + Limits.SILENT_MS)
    }
    return at
  }

  /** Sends the digests that are due, and begins exchanges. */
  tick(now: number): void {
    const { random } = this.#host
    if (this.#pull !== undefined && now >= this.#pull.at + Limits.PULL_MS) this.#pull = undefined
    for (const line of this.#lines.values()) {
      if (now >= line.digestAt) {
        line.digestAt = now + Limits.DIGEST_MS * (0.8 + 0.4 * random())
        this.#digest(line, line.root === undefined ? DigestFlag.question : 0)
      }
      if (now >= line.compareAt) this.#compare(line, now)
    }
    if (now < this.#tellAt) return
    this.#tellAt = Number.POSITIVE_INFINITY
    for (const line of this.#lines.values()) if (line.peer !== this.#learntFrom) this.#digest(line, DigestFlag.learnt)
  }

  receive(peer: string, bytes: Uint8Array, now: number): void {
    const line = this.#lines.get(peer)
    const whisper = line && decodeWhisper(bytes)
    if (line === undefined || whisper === undefined) return
    // Nobody was heard for a while: the others have their time again.
    if (this.heardAt !== undefined && now >= this.heardAt + Limits.SILENT_MS) this.#hearAll(now)
    line.heardAt = now
    line.isSilent = false
    this.heardAt = now
    switch (whisper._tag) {
      case "Digest":
        this.#receiveDigest(line, whisper, now)
        break
      case "Buckets":
        this.#receiveBuckets(line, whisper, now)
        break
      case "Items":
        this.#receiveItems(line, whisper, now)
        break
      case "Want":
        this.#receiveWant(line, whisper.prefixes, now)
        break
      case "Notes":
        if (this.#takeAll(line, whisper.notes, now)) this.#tell(line, now)
        break
      case "Pull":
        this.#receivePull(line, whisper.after, now)
        break
      case "Page":
        this.#receivePage(line, whisper, now)
    }
  }

  #hearAll(now: number): void {
    for (const line of this.#lines.values()) {
      line.heardAt = now
      line.isSilent = false
    }
  }

  #digest(line: Line, flags: number): void {
    const { roster } = this.#host
    const incomplete = this.#pull === undefined ? 0 : DigestFlag.incomplete
    this.#send(line, { _tag: "Digest", flags: flags | incomplete, count: roster.count, root: roster.root })
  }

  #receiveDigest(line: Line, { count, flags, root }: Extract<Whisper, { _tag: "Digest" }>, now: number): void {
    const { roster } = this.#host
    const isFirst = line.root === undefined
    if ((flags & DigestFlag.question) !== 0 && line.questions.take(now)) this.#digest(line, DigestFlag.answer)
    line.count = count
    line.root = root
    if ((flags & DigestFlag.incomplete) !== 0) return
    if (roster.isRoot(root)) {
      line.backoffMs = Limits.FIRST_BACKOFF_MS
      line.compareAt = Number.POSITIVE_INFINITY
      return
    }
    // It lacks a change that is under way to it.
    if (roster.wasRoot(root, now)) return
    line.isSure = isFirst || (flags & (DigestFlag.learnt | DigestFlag.answer)) !== 0
    line.compareAt = line.isSure ? now : Math.min(line.compareAt, now + Limits.COMPARE_AFTER_MS)
    if (line.isSure) this.#compare(line, now)
  }

  /** The neighbour had a root that we never had. */
  #compare(line: Line, now: number): void {
    const { roster, self } = this.#host
    line.compareAt = Number.POSITIVE_INFINITY
    if (line.root === undefined || roster.isRoot(line.root) || roster.wasRoot(line.root, now)) return
    if (!line.isSure) {
      this.#digest(line, DigestFlag.question)
      return
    }
    const after = Math.max(line.exchangeAfter, this.#exchangeAfter)
    if (this.#pull !== undefined || now < after) {
      line.compareAt = Math.max(now + Limits.EXCHANGE_GAP_MS, after)
      return
    }
    const isPull = 2 * roster.count <= line.count
    // The side that knows fewer members begins: it has the most to learn, and its neighbours wait for what it learns.
    const isAhead = line.count === roster.count ? self > line.peer : line.count < roster.count
    const isSecond = !isPull && isAhead
    if (isSecond && line.backoffMs === Limits.FIRST_BACKOFF_MS) {
      line.backoffMs *= 2
      line.compareAt = now + Limits.SECOND_SIDE_MS
      return
    }
    this.#exchangeAfter = now + Limits.EXCHANGE_GAP_MS
    line.exchangeAfter = now + line.backoffMs
    line.backoffMs = Math.min(Limits.MAX_BACKOFF_MS, 2 * line.backoffMs)
    if (isPull) {
      this.#pull = { peer: line.peer, at: now, after: ZERO_ID }
      this.#send(line, { _tag: "Pull", after: ZERO_ID })
      return
    }
    let bits = 0
    while (bits < MAX_BITS && Math.max(roster.count, line.count) / 16 > 2 ** bits) bits++
    this.#send(line, { _tag: "Buckets", bits, roots: roster.buckets(bits) })
  }

  #receiveBuckets(line: Line, { bits, roots }: Extract<Whisper, { _tag: "Buckets" }>, now: number): void {
    if (!line.questions.take(now)) return
    line.exchangeAfter = now + Limits.SECOND_SIDE_MS
    const { roster } = this.#host
    const differing: Array<number> = []
    for (const [i, { high, low }] of roster.buckets(bits).entries()) {
      if (high !== roots[i]!.high || low !== roots[i]!.low) differing.push(i)
    }
    // As many parts as fit into one message; the others follow with the next exchange.
    const most = Math.floor(Limits.MAX_WHISPER_BYTES / ITEM_BYTES / Math.max(1, (1.5 * roster.count) / 2 ** bits))
    const buckets = differing.slice(0, Math.max(1, Math.min(most, 1_000)))
    const items = roster.itemsOf(bits, new Set(buckets)).slice(0, Limits.MAX_WHISPER_BYTES / ITEM_BYTES - 200)
    if (buckets.length > 0 && line.answers.take(now, items.length * ITEM_BYTES)) {
      this.#send(line, { _tag: "Items", isReply: false, bits, buckets, items })
    }
  }

  #receiveItems(line: Line, { bits, buckets, isReply, items }: Extract<Whisper, { _tag: "Items" }>, now: number): void {
    const { roster } = this.#host
    const theirs = new Map<string, number>()
    const wanted: Array<string> = []
    const proofs: Array<Uint8Array> = []
    let hasRevived = false
    for (const { prefix, stamp } of items) {
      theirs.set(prefix, stamp)
      const entry = roster.byPrefix(prefix)
      if (entry === undefined || stamp > entry.stamp) wanted.push(prefix)
      else if (entry.status !== "here" && wanted.length + proofs.length < 4_000) {
        const answer = this.#host.dispute(entry, now)
        if (answer === true) hasRevived = true
        else proofs.push(...answer)
      }
    }
    for (let at = 0; at < wanted.length; at += 4_000) {
      this.#send(line, { _tag: "Want", prefixes: wanted.slice(at, at + 4_000) })
    }
    this.#sendNotes(line, proofs, now)
    if (hasRevived) this.#tell(line, now)
    if (isReply) return
    const missing = roster
      .itemsOf(bits, new Set(buckets))
      .filter(({ prefix, stamp }) => stamp > (theirs.get(prefix) ?? -1))
    if (missing.length === 0 || !line.answers.take(now, missing.length * ITEM_BYTES)) return
    const inBuckets = missing.slice(0, Math.floor(Limits.MAX_WHISPER_BYTES / ITEM_BYTES) - 200) as ReadonlyArray<Item>
    this.#send(line, {
      _tag: "Items",
      isReply: true,
      bits,
      buckets: [...new Set(inBuckets.map(bucketOfItem(bits)))],
      items: inBuckets,
    })
  }

  #receiveWant(line: Line, prefixes: ReadonlyArray<string>, now: number): void {
    if (!line.questions.take(now)) return
    const notes: Array<Uint8Array> = []
    for (const prefix of new Set(prefixes)) {
      const entry = this.#host.roster.byPrefix(prefix)
      if (entry?.status === "here") notes.push(entry.note)
    }
    this.#sendNotes(line, notes, now)
  }

  #receivePull(line: Line, after: string, now: number): void {
    if (!line.questions.take(now)) return
    const { isLast, notes } = this.#host.roster.page(after, Limits.MAX_WHISPER_BYTES)
    const bytes = notes.reduce((sum, { length }) => sum + length + 2, 0)
    line.exchangeAfter = now + Limits.PULL_MS
    if (line.answers.take(now, bytes)) this.#send(line, { _tag: "Page", isLast, notes })
  }

  #receivePage(line: Line, { isLast, notes }: Extract<Whisper, { _tag: "Page" }>, now: number): void {
    if (this.#pull?.peer !== line.peer) return
    const last = notes.length === 0 ? ZERO_ID : toHex(Note.author(notes.at(-1)!))
    const hasLearnt = this.#takeAll(line, notes, now)
    if (isLast || last <= this.#pull.after) {
      this.#pull = undefined
      if (hasLearnt) this.#tell(line, now)
      this.#digest(line, DigestFlag.question)
      return
    }
    this.#pull.at = now
    this.#pull.after = last
    this.#send(line, { _tag: "Pull", after: last })
  }

  #takeAll(line: Line, notes: ReadonlyArray<Uint8Array>, now: number): boolean {
    let hasLearnt = false
    for (const note of notes) {
      const taken = this.#host.take(line.peer, note, now)
      // The rest is not worth the time that its signatures cost.
      if (taken === undefined) break
      if (taken) hasLearnt = true
    }
    return hasLearnt
  }

  /** News that we learnt go on: the other neighbours compare at once. */
  #tell(line: Line, now: number): void {
    this.#tellAt = Math.min(this.#tellAt, now + Limits.TELL_AFTER_MS)
    this.#learntFrom = line.peer
  }

  #sendNotes(line: Line, notes: ReadonlyArray<Uint8Array>, now: number): void {
    let batch: Array<Uint8Array> = []
    let bytes = 0
    const flush = () => {
      if (batch.length > 0 && line.answers.take(now, bytes)) this.#send(line, { _tag: "Notes", notes: batch })
      batch = []
      bytes = 0
    }
    for (const note of notes) {
      if (bytes + note.length + 2 > Limits.MAX_WHISPER_BYTES) flush()
      batch.push(note)
      bytes += note.length + 2
    }
    flush()
  }

  #send(line: Line, whisper: Whisper): void {
    this.#host.send(line.peer, encodeWhisper(whisper))
  }
}

const bucketOfItem =
  (bits: number) =>
  ({ prefix }: Item): number =>
    bucketOf(prefix, bits)
