/**
 * The parts of a repair that a node gives its neighbours: the heads of its streams, and the envelopes that they want, at limited rates. Pure: the caller
 * has the clock.
 */
import { toHex } from "@topic-tracker/common/Bytes"
import { TokenBucket } from "@topic-tracker/common/TokenBucket"
import { Envelope } from "@topic-tracker/crypto/members"
import type { EnvelopeStore } from "./EnvelopeStore.ts"
import type { NeighborWant } from "./PassedWants.ts"
import { MAX_RANGES, MAX_REPAIR_BYTES, type RepairMessage, type SeqRange } from "./repairMessages.ts"

/** A head goes to the neighbours so long after the last envelope of its stream: the loss of a last message is noticed, too. */
export const HEAD_AFTER_MS = 300
const HEAD_BYTES = 58
const HEAD_BYTES_PER_SECOND = 4096
const HEADS_IN_MESSAGE = 1000
/** Streams whose heads are kept: those that changed last. */
const MAX_HEADS = 4096
const WANTS_PER_SECOND = 64
const HAVE_BYTES_PER_SECOND = 512 * 1024
/** Room for the enum tag and lengths of a Have. */
const HAVE_OVERHEAD_BYTES = 16
/** A neighbour that claimed so many heads in a minute that nobody could show is not believed any more for that minute. */
const MAX_FALSE_HEADS = 8
const FALSE_HEADS_MS = 60_000

/**
 * The result of the door for a neighbour.
 *
 * @since 0.1.0
 * @category options
 */
export interface NeighborOptions {
  readonly answersRepairs: boolean
}

/**
 * Options of {@link RepairServer}.
 *
 * @since 0.1.0
 * @category options
 */
export interface RepairServerOptions {
  readonly store: EnvelopeStore
  readonly send: (to: string, message: RepairMessage) => void
  /** Nothing of this range is here. Whether another neighbour is asked, so that the answer comes later. */
  readonly pass: (want: NeighborWant, now: number) => boolean
}

interface Head {
  readonly bytes: Uint8Array
  seq: number
  /** Whether an envelope of the stream was accepted here; otherwise a neighbour told of it at our start. */
  isHere: boolean
}

interface Neighbor {
  readonly wants: TokenBucket
  readonly haves: TokenBucket
  readonly heads: TokenBucket
  /** Streams whose head it is to be sent. */
  readonly pending: Set<string>
  hasSentHeads: boolean
  falseHeads: number
  falseSince: number
}

/**
 * The side of the repairs that answers.
 *
 * @since 0.1.0
 */
export class RepairServer {
  readonly #store: EnvelopeStore
  readonly #send: (to: string, message: RepairMessage) => void
  readonly #pass: RepairServerOptions["pass"]
  readonly #neighbors = new Map<string, Neighbor>()
  /** The one that changed last is the last. */
  readonly #heads = new Map<string, Head>()
  /** Heads to tell, in the order of their times. */
  readonly #due = new Map<string, number>()
  #peers: ReadonlyArray<string> = []

  constructor(options: RepairServerOptions) {
    this.#store = options.store
    this.#send = options.send
    this.#pass = options.pass
  }

  /** The neighbours that answer repair messages. */
  get peers(): ReadonlyArray<string> {
    return this.#peers
  }

  /** When `tick` has something to do. */
  get deadline(): number | undefined {
    return this.#due.values().next().value
  }

  /** Sends all heads, which may be none: the neighbour learns from the first message what was sent before it came. */
  neighborUp(peer: string, now: number): void {
    const neighbor = {
      wants: new TokenBucket(WANTS_PER_SECOND, WANTS_PER_SECOND),
      haves: new TokenBucket(HAVE_BYTES_PER_SECOND, HAVE_BYTES_PER_SECOND),
      heads: new TokenBucket(2 * HEAD_BYTES_PER_SECOND, HEAD_BYTES_PER_SECOND),
      pending: new Set<string>(),
      hasSentHeads: false,
      falseHeads: 0,
      falseSince: now,
    }
    this.#neighbors.set(peer, neighbor)
    this.#peers = [...this.#neighbors.keys()]
    // A neighbour asks for few of the streams that it does not know, so those that it can get here come first, the newest before the others.
    const newest = [...this.#heads.values()].reverse()
    const heads = [...newest.filter(({ isHere }) => isHere), ...newest.filter(({ isHere }) => !isHere)]
    const told = heads.slice(0, HEADS_IN_MESSAGE)
    this.#send(peer, { _tag: "Heads", heads: told.map(({ bytes, seq }) => ({ stream: bytes, seq })) })
  }

  neighborDown(peer: string): void {
    this.#neighbors.delete(peer)
    this.#peers = [...this.#neighbors.keys()]
  }

  /** The highest accepted seq of a stream. */
  noteHead(key: string, bytes: Uint8Array, seq: number, now: number): void {
    const head = this.#heads.get(key) ?? { bytes: bytes.slice(), seq, isHere: true }
    head.seq = Math.max(head.seq, seq)
    head.isHere = true
    this.#heads.delete(key)
    this.#heads.set(key, head)
    if (this.#heads.size > MAX_HEADS) {
      const oldest = this.#heads.keys().next().value!
      this.#heads.delete(oldest)
      this.#due.delete(oldest)
    }
    this.#due.delete(key)
    this.#due.set(key, now + HEAD_AFTER_MS)
  }

  /** A head that was told before we came: it is passed on to newcomers, so that they know what was sent before them. */
  noteEarlierHead(key: string, bytes: Uint8Array, seq: number): void {
    if (this.#heads.size < MAX_HEADS && !this.#heads.has(key))
      this.#heads.set(key, { bytes: bytes.slice(), seq, isHere: false })
  }

  /** Whether this is the first Heads of the neighbour. */
  noteFirstHeads(peer: string): boolean {
    const neighbor = this.#neighbors.get(peer)
    if (neighbor === undefined || neighbor.hasSentHeads) return false
    neighbor.hasSentHeads = true
    return true
  }

  /** Whether the heads of the neighbour are believed. */
  hearsHeads(peer: string, now: number): boolean {
    const neighbor = this.#neighbors.get(peer)
    if (neighbor === undefined) return false
    return neighbor.falseHeads < MAX_FALSE_HEADS || now - neighbor.falseSince >= FALSE_HEADS_MS
  }

  noteFalseHead(peer: string, now: number): void {
    const neighbor = this.#neighbors.get(peer)
    if (neighbor === undefined) return
    if (now - neighbor.falseSince >= FALSE_HEADS_MS) {
      neighbor.falseSince = now
      neighbor.falseHeads = 0
    }
    neighbor.falseHeads++
  }

  /** Answers a Want, as far as the neighbour's rates allow: with what is here, and for the rest by asking others or with a None. */
  want(peer: string, { parts, ranges, stream }: Extract<RepairMessage, { readonly _tag: "Want" }>, now: number): void {
    const neighbor = this.#neighbors.get(peer)
    if (neighbor === undefined || !neighbor.wants.take(now)) return
    const key = toHex(stream)
    const indexes = parts === undefined ? undefined : new Set(parts)
    const lacks: Array<SeqRange> = []
    let envelopes: Array<Uint8Array> = []
    let bytes = HAVE_OVERHEAD_BYTES
    for (const range of ranges) {
      let next = range.from
      for (const envelope of this.#store.range(key, range, indexes)) {
        const seq = Envelope.seq(envelope)
        if (seq > next) lacks.push({ from: next, to: seq - 1 })
        next = Envelope.lastSeq(envelope) + 1
        if (!neighbor.haves.take(now, envelope.length)) {
          // Later ones may be here: nothing is said of them.
          next = Number.POSITIVE_INFINITY
          break
        }
        if (bytes + envelope.length + 3 > MAX_REPAIR_BYTES) {
          this.#send(peer, { _tag: "Have", envelopes })
          envelopes = []
          bytes = HAVE_OVERHEAD_BYTES
        }
        envelopes.push(envelope)
        bytes += envelope.length + 3
      }
      if (next <= range.to) lacks.push({ from: next, to: range.to })
    }
    // Before the None, after which the neighbour asks the next one for all that it lacks.
    if (envelopes.length > 0) this.#send(peer, { _tag: "Have", envelopes })
    for (const { from, to } of lacks.slice(0, MAX_RANGES)) {
      if (parts === undefined && this.#pass({ asker: peer, stream, from, to }, now)) continue
      this.#send(peer, { _tag: "None", stream, from, to })
    }
  }

  /** Gives a neighbour what it asked for a while ago, as far as its rate allows. */
  give(peer: string, envelope: Uint8Array, now: number): void {
    if (this.#neighbors.get(peer)?.haves.take(now, envelope.length) === true) {
      this.#send(peer, { _tag: "Have", envelopes: [envelope] })
    }
  }

  /** Sends the heads that are due. */
  tick(now: number): void {
    for (const [key, at] of this.#due) {
      if (now < at) break
      this.#due.delete(key)
      for (const { pending } of this.#neighbors.values()) pending.add(key)
    }
    for (const [peer, { heads: rate, pending }] of this.#neighbors) {
      const heads: Array<{ readonly stream: Uint8Array; readonly seq: number }> = []
      for (const key of pending) {
        const head = this.#heads.get(key)
        if (heads.length >= HEADS_IN_MESSAGE || (head !== undefined && !rate.take(now, HEAD_BYTES))) break
        pending.delete(key)
        if (head !== undefined) heads.push({ stream: head.bytes, seq: head.seq })
      }
      if (heads.length > 0) this.#send(peer, { _tag: "Heads", heads })
    }
  }
}
