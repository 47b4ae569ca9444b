/**
 * The envelopes that a topic accepted a short time ago, so that neighbours who lack one can have it. Bounded in time and bytes; of an author at
 * most a quarter while there are others. It keeps the byte arrays that it is given, without copies.
 */
import { Envelope } from "@topic-tracker/crypto/members"
import type { SeqRange } from "./repairMessages.ts"

/**
 * How long an envelope is kept.
 *
 * @since 0.1.0
 * @category constants
 */
export const STORE_MS = 2 * 60_000
/**
 * The bytes of one topic.
 *
 * @since 0.1.0
 * @category constants
 */
export const STORE_BYTES = 16 * 1024 * 1024

interface Entry {
  readonly stream: string
  readonly author: string
  readonly seq: number
  readonly last: number
  readonly index: number
  readonly envelope: Uint8Array
  readonly at: number
  /** It came by a Have and not by gossip: it was not forwarded. */
  cameByHave: boolean
  isGone: boolean
}

/**
 * Recent envelopes, by stream and sequence number. A stream is the hex of author ‖ session ‖ channel, an author that of its id.
 *
 * @since 0.1.0
 * @category models
 */
export class EnvelopeStore {
  readonly #maxBytes: number
  /** Of each stream, ascending by seq and index. */
  readonly #streams = new Map<string, Array<Entry>>()
  /** Of each author, in the order of arrival. */
  readonly #authors = new Map<string, { readonly entries: Array<Entry>; first: number; bytes: number }>()
  /** All, in the order of arrival; those before `#first` and those that are gone count no more. */
  #queue: Array<Entry> = []
  #first = 0
  #bytes = 0

  constructor(maxBytes = STORE_BYTES) {
    this.#maxBytes = maxBytes
  }

  /** The bytes of all envelopes that are kept. */
  get bytes(): number {
    return this.#bytes
  }

  /** Does nothing but note that it came by gossip, too, if there is one in its place. */
  add(stream: string, envelope: Uint8Array, cameByHave: boolean, now: number): void {
    if (this.get(stream, Envelope.seq(envelope), Envelope.index(envelope)) !== undefined) {
      if (!cameByHave) this.noteForwarded(stream, Envelope.seq(envelope), Envelope.index(envelope))
      return
    }
    const entry: Entry = {
      stream,
      author: stream.slice(0, 64),
      seq: Envelope.seq(envelope),
      last: Envelope.lastSeq(envelope),
      index: Envelope.index(envelope),
      envelope,
      at: now,
      cameByHave,
      isGone: false,
    }
    let entries = this.#streams.get(stream)
    if (entries === undefined) {
      entries = []
      this.#streams.set(stream, entries)
    }
    entries.splice(position(entries, entry.seq, entry.index), 0, entry)
    let author = this.#authors.get(entry.author)
    if (author === undefined) {
      author = { entries: [], first: 0, bytes: 0 }
      this.#authors.set(entry.author, author)
    }
    author.entries.push(entry)
    author.bytes += envelope.length
    this.#bytes += envelope.length
    this.#queue.push(entry)
    const share = this.#authors.size > 1 ? this.#maxBytes / 4 : this.#maxBytes
    while (author.bytes > share && author.first < author.entries.length) this.#remove(author.entries[author.first]!)
    this.evict(now)
  }

  /** The envelope of this place, if it is kept. */
  get(
    stream: string,
    seq: number,
    index: number,
  ): { readonly envelope: Uint8Array; readonly cameByHave: boolean } | undefined {
    const entries = this.#streams.get(stream)
    const entry = entries?.[position(entries, seq, index)]
    return entry?.seq === seq && entry.index === index ? entry : undefined
  }

  /** The envelope came by gossip, too, and was forwarded. */
  noteForwarded(stream: string, seq: number, index: number): void {
    const entries = this.#streams.get(stream)
    const entry = entries?.[position(entries, seq, index)]
    if (entry?.seq === seq && entry.index === index) entry.cameByHave = false
  }

  /** The envelopes that cover a seq of the range, ascending; of a message in parts, only the parts that `parts` names, if it is given. */
  *range(stream: string, { from, to }: SeqRange, parts?: ReadonlySet<number>): Generator<Uint8Array> {
    const entries = this.#streams.get(stream)
    if (entries === undefined) return
    // A batch that begins before the range may reach into it.
    let at = position(entries, from, 0)
    while (at > 0 && entries[at - 1]!.last >= from) at--
    for (; at < entries.length && entries[at]!.seq <= to; at++) {
      const entry = entries[at]!
      if (entry.last >= from && (parts === undefined || parts.has(entry.index))) yield entry.envelope
    }
  }

  /** Forgets what is too old, or too much. */
  evict(now: number): void {
    for (;;) {
      const oldest = this.#queue[this.#first]
      if (oldest === undefined) break
      if (!oldest.isGone) {
        if (this.#bytes <= this.#maxBytes && now - oldest.at < STORE_MS) break
        this.#remove(oldest)
      }
      this.#first++
    }
    if (this.#first > 1024 && this.#first * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#first)
      this.#first = 0
    }
  }

  #remove(entry: Entry): void {
    entry.isGone = true
    this.#bytes -= entry.envelope.length
    const author = this.#authors.get(entry.author)!
    author.bytes -= entry.envelope.length
    while (author.entries[author.first]?.isGone === true) author.first++
    if (author.first === author.entries.length) this.#authors.delete(entry.author)
    else if (author.first > 1024 && author.first * 2 > author.entries.length) {
      author.entries.splice(0, author.first)
      author.first = 0
    }
    const entries = this.#streams.get(entry.stream)!
    entries.splice(position(entries, entry.seq, entry.index), 1)
    if (entries.length === 0) this.#streams.delete(entry.stream)
  }
}

/** The place of the first entry that is not before this seq and index. */
const position = (entries: ReadonlyArray<Entry>, seq: number, index: number): number => {
  let low = 0
  let high = entries.length
  // Most envelopes come in order.
  if (high > 0 && isBefore(entries[high - 1]!, seq, index)) return high
  while (low < high) {
    const middle = (low + high) >>> 1
    if (isBefore(entries[middle]!, seq, index)) low = middle + 1
    else high = middle
  }
  return low
}

const isBefore = (entry: Entry, seq: number, index: number): boolean =>
  entry.seq < seq || (entry.seq === seq && entry.index < index)
