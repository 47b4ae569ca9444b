/**
 * The messages of one stream (author, session and channel) in order, each once. It holds what came too early, knows what is missing, and
 * passes over what nobody has any more. Pure: the caller has the clock, and decides when to give up.
 */
import { BoundedMap } from "@topic-tracker/common/BoundedMap"
import { Envelope, type OpenedEnvelope, Plaintext } from "@topic-tracker/crypto/members"
import { type MissingRange, PartAssembly } from "./PartAssembly.ts"
import { MAX_RANGES, MAX_WANTED_PARTS } from "./repairMessages.ts"

/** The bytes that a stream holds out of order. Each envelope counts 64 bytes more, for the objects around it. */
export const MAX_HELD_BYTES = 1024 * 1024
const HELD_OVERHEAD_BYTES = 64
/** Messages in parts that are put together at the same time. */
const MAX_ASSEMBLIES = 2
/** Parts before the last one that came are asked for when none has come for so long. */
const PARTS_QUIET_MS = 300
/** And those after it: the author may not have sent them yet, as parts of a large message go out at a rate. */
const LAST_PARTS_QUIET_MS = 1_000
/** Messages in parts whose later parts are still forwarded after they were given up. */
const MAX_PASSED = 8

/**
 * What a stream gives its reader.
 *
 * @since 0.1.0
 * @category models
 */
export type OrderEvent =
  | {
      readonly _tag: "Deliver"
      readonly seq: number
      readonly message: Uint8Array
      readonly extension: Uint8Array | undefined
      readonly flags: number
      /** The neighbour that it came from. */
      readonly from: string
    }
  | { readonly _tag: "Missed"; readonly from: number; readonly to: number }
  /** The author has closed the stream. */
  | { readonly _tag: "Ended" }

/**
 * The first missing message of a stream.
 *
 * @since 0.1.0
 * @category models
 */
export interface StreamBlock {
  /** The time since when the delivery waits for it. */
  readonly since: number
  /** The neighbour that sent what comes after it. */
  readonly by: string
  /** Whether it was sent before this node came: then nobody waits for it long. */
  readonly isBeforeStart: boolean
}

interface Held {
  readonly seq: number
  readonly last: number
  readonly at: number
  readonly from: string
  readonly flags: number
  /** Undefined for a message in parts. */
  readonly contents: Plaintext.Contents | undefined
  readonly assembly: PartAssembly | undefined
  readonly size: number
}

/**
 * One stream.
 *
 * @since 0.1.0
 * @category models
 */
export class StreamOrder {
  /** The next seq to deliver. */
  #next: number
  /** Nothing before it is reported as missed: it was sent before this node came. */
  readonly #start: number
  readonly #maxContentBytes: number
  /** Whether this node was in the topic before it heard of the stream: what is missing before the first envelope may have been sent since. */
  readonly wasHere: boolean
  /** Ascending by seq. */
  readonly #held: Array<Held> = []
  readonly #passed = new BoundedMap<number, PartAssembly>(MAX_PASSED)
  #heldBytes = 0
  #highest: number

  /** `first` is the seq to begin with, `start` that of the first envelope that came; `first` is at most `start`. */
  constructor(first: number, start: number, maxContentBytes: number, wasHere = false) {
    this.#next = first
    this.#start = start
    this.#highest = first - 1
    this.#maxContentBytes = maxContentBytes
    this.wasHere = wasHere
  }

  /** The next seq to deliver. */
  get next(): number {
    return this.#next
  }

  /** The highest seq that was accepted. */
  get highest(): number {
    return this.#highest
  }

  /** The bytes that wait, of whole messages and of parts. */
  get waitingBytes(): number {
    let bytes = this.#heldBytes
    for (const { assembly } of this.#held) if (assembly !== undefined) bytes += assembly.bytes
    return bytes
  }

  /** Whether this envelope, or one in its place, was accepted before. */
  isKnown(seq: number, index: number): boolean {
    const passed = this.#passed.get(seq)
    if (passed !== undefined) return passed.has(index)
    if (seq < this.#next) return true
    const held = this.#held[this.#position(seq)]
    const before = this.#held[this.#position(seq) - 1]
    if (before !== undefined && before.last >= seq) return true
    if (held?.seq !== seq) return false
    return held.assembly === undefined || held.assembly.has(index)
  }

  /** Takes an envelope that is not known. The events are to be handled in order. */
  accept(opened: OpenedEnvelope, from: string, now: number): ReadonlyArray<OrderEvent> {
    const { contents, envelope, plaintext } = opened
    const seq = Envelope.seq(envelope)
    const last = Envelope.lastSeq(envelope)
    const flags = Envelope.flags(envelope)
    this.#highest = Math.max(this.#highest, last)
    const events: Array<OrderEvent> = []
    const passed = this.#passed.get(seq)
    if (passed !== undefined) {
      passed.add(Envelope.index(envelope), flags, Envelope.count(envelope), plaintext, now)
      return events
    }
    if (contents !== undefined && seq === this.#next) {
      this.#deliver({ contents, flags, from, seq }, events)
      this.#next = last + 1
    } else if (contents !== undefined) {
      const size = plaintext.length + HELD_OVERHEAD_BYTES
      this.#insert({ seq, last, at: now, from, flags, contents, assembly: undefined, size })
      this.#heldBytes += size
    } else this.#acceptPart(opened, from, now)
    this.#drain(events)
    while (this.#heldBytes > MAX_HELD_BYTES) this.#passGap(events)
    return events
  }

  /**
   * The ranges that are missing before the last envelope that was accepted: at most 16 ranges. Messages whose parts are still coming are not in it.
   */
  missing(now: number): ReadonlyArray<MissingRange> {
    const ranges: Array<MissingRange> = []
    let at = this.#next
    for (const held of this.#held) {
      if (ranges.length >= MAX_RANGES) break
      if (held.seq > at) ranges.push({ from: at, to: held.seq - 1 })
      at = Math.max(at, held.last + 1)
      const { assembly } = held
      if (assembly === undefined || assembly.isDropped || assembly.isComplete) continue
      const quietMs = now - assembly.lastAt
      if (quietMs < PARTS_QUIET_MS || ranges.length >= MAX_RANGES) continue
      const parts = assembly.missing(MAX_WANTED_PARTS, quietMs < LAST_PARTS_QUIET_MS)
      if (parts.length > 0) ranges.push({ from: held.seq, to: held.seq, parts })
    }
    return ranges
  }

  /** Undefined if nothing is missing. */
  get blocked(): StreamBlock | undefined {
    const first = this.#held[0]
    if (first === undefined) return undefined
    const since = first.assembly === undefined ? first.at : first.assembly.lastAt
    return { since, by: first.from, isBeforeStart: first.seq <= this.#start && first.seq > this.#next }
  }

  /** Nobody has the first missing message: it is passed over. */
  giveUp(): ReadonlyArray<OrderEvent> {
    const events: Array<OrderEvent> = []
    this.#passGap(events)
    return events
  }

  #acceptPart({ envelope, plaintext }: OpenedEnvelope, from: string, now: number): void {
    const seq = Envelope.seq(envelope)
    const flags = Envelope.flags(envelope)
    const count = Envelope.count(envelope)
    const place = this.#position(seq)
    let held = this.#held[place]
    if (held?.seq !== seq) {
      const assembly = new PartAssembly(flags, count, this.#maxContentBytes, now)
      if (this.#held.filter((each) => each.assembly?.isComplete === false).length >= MAX_ASSEMBLIES) assembly.drop()
      held = { seq, last: seq, at: now, from, flags, contents: undefined, assembly, size: 0 }
      this.#held.splice(place, 0, held)
    }
    held.assembly?.add(Envelope.index(envelope), flags, count, plaintext, now)
  }

  #insert(held: Held): void {
    this.#held.splice(this.#position(held.seq), 0, held)
  }

  /** Delivers what is next, until something is missing. */
  #drain(events: Array<OrderEvent>): void {
    for (;;) {
      const held = this.#held[0]
      if (held === undefined || held.seq > this.#next) return
      const { assembly, contents } = held
      if (assembly !== undefined && !assembly.isDropped && !assembly.isComplete) return
      this.#held.shift()
      this.#heldBytes -= held.size
      // An envelope within the range of a batch: an author that signs two contents for one seq.
      if (held.seq < this.#next) continue
      if (contents !== undefined) this.#deliver({ ...held, contents }, events)
      else if (assembly !== undefined) this.#deliverAssembly(held, assembly, events)
      this.#next = held.last + 1
    }
  }

  #deliver(
    { contents, flags, from, seq }: Pick<Held, "flags" | "from" | "seq"> & { readonly contents: Plaintext.Contents },
    events: Array<OrderEvent>,
  ): void {
    const { extension } = contents
    let each = seq
    for (const message of contents.messages) {
      events.push({ _tag: "Deliver", seq: each, message, extension, flags, from })
      each++
    }
    if ((flags & Envelope.Flag.last) !== 0) events.push({ _tag: "Ended" })
  }

  #deliverAssembly(held: Held, assembly: PartAssembly, events: Array<OrderEvent>): void {
    const contents = assembly.isDropped ? undefined : Plaintext.readContents(assembly.content(), assembly.flags, 1)
    if (contents === undefined) {
      this.#missed(held.seq, held.seq, events)
      if (!assembly.isComplete) this.#passed.set(held.seq, assembly)
    } else this.#deliver({ ...held, contents }, events)
  }

  #passGap(events: Array<OrderEvent>): void {
    const first = this.#held[0]
    if (first === undefined) return
    if (first.seq > this.#next) {
      this.#missed(this.#next, first.seq - 1, events)
      this.#next = first.seq
    } else first.assembly?.drop()
    this.#drain(events)
  }

  #missed(from: number, to: number, events: Array<OrderEvent>): void {
    if (to >= this.#start) events.push({ _tag: "Missed", from: Math.max(from, this.#start), to })
  }

  /** The place of the first one that is held whose seq is not before this one. */
  #position(seq: number): number {
    let low = 0
    let high = this.#held.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#held[middle]!.seq < seq) low = middle + 1
      else high = middle
    }
    return low
  }
}
