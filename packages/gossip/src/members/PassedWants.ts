/**
 * Wants that this node cannot answer and passes on: a neighbour asks for what was sent before this node came, and another one, which told it of
 * the stream, may have it. Without this, parts of a swarm that merge through newcomers lose the messages from before those. Pure: the
 * caller sends and has the clock.
 */
import { BoundedMap } from "@topic-tracker/common/BoundedMap"
import { toHex } from "@topic-tracker/common/Bytes"
import { TokenBucket } from "@topic-tracker/common/TokenBucket"
import type { RepairMessage, SeqRange } from "./repairMessages.ts"

/**
 * The longest time for which an answer is waited for, in ms: two neighbours that are far away, or lose packets. The asker asks its next neighbour
 * meanwhile.
 *
 * @since 0.1.0
 * @category constants
 */
export const PASS_MS = 600
/**
 * The longest range that is passed on: as far as a node looks back in a stream that nobody told it of at its start.
 *
 * @since 0.1.0
 * @category constants
 */
export const MAX_PASSED_SEQS = 32
/** Ranges that wait, of all neighbours and of one. */
const MAX_PASSED = 256
const MAX_PASSED_OF_ONE = 64
/** A range that was passed on without success is not passed on again for this time, so that no Want goes in circles. Less than the pause of a round. */
const AGAIN_MS = 800
const MAX_RECENT = 1_024
const PASSES_PER_SECOND = 16

/**
 * Options of {@link PassedWants}.
 *
 * @since 0.1.0
 * @category options
 */
export interface PassedWantsOptions {
  /** The neighbours that told of a stream up to this seq, the latest last. */
  readonly tellersOf: (key: string, seq: number) => ReadonlyArray<string>
  /** Whether this node asks for the seq anyway. */
  readonly isAskedFor: (key: string, seq: number) => boolean
  readonly send: (to: string, message: RepairMessage) => void
}

/**
 * A range that a neighbour asked for.
 *
 * @since 0.1.0
 * @category models
 */
export interface NeighborWant extends SeqRange {
  readonly asker: string
  /** author ‖ session ‖ channel. */
  readonly stream: Uint8Array
}

interface Waiting extends NeighborWant {
  /** The range becomes smaller when the neighbour that was asked lacks a part of it. */
  from: number
  to: number
  /** The hex of the stream. */
  readonly key: string
  /** The neighbour that was asked; undefined if this node asks for it anyway. */
  readonly asked: string | undefined
  /** Neighbours that had nothing of it, or have gone. */
  readonly tried: ReadonlyArray<string>
  readonly until: number
  isAnswered: boolean
}

/**
 * The Wants of one topic that were passed on.
 *
 * @since 0.1.0
 * @category models
 */
export class PassedWants {
  readonly #options: PassedWantsOptions
  /** In the order of their ends, as all wait equally long. */
  readonly #waiting = new Set<Waiting>()
  readonly #passedAt = new BoundedMap<string, number>(MAX_RECENT)
  readonly #rate = new TokenBucket(PASSES_PER_SECOND, PASSES_PER_SECOND)

  constructor(options: PassedWantsOptions) {
    this.#options = options
  }

  /** When `tick` has something to do. */
  get deadline(): number | undefined {
    return this.#waiting.values().next().value?.until
  }

  /** Asks a neighbour that told of the stream. False: nobody is asked, so the asker gets a None. */
  pass(want: NeighborWant, now: number): boolean {
    const { asker, from, stream, to } = want
    if (to - from >= MAX_PASSED_SEQS || !this.#hasRoom(asker)) return false
    return this.#ask(want, toHex(stream), [], now)
  }

  /** Waits for what is asked for already, or asks a neighbour that told of it and was not tried. False: neither. */
  #ask(want: NeighborWant, key: string, tried: ReadonlyArray<string>, now: number): boolean {
    const { asker, from, stream, to } = want
    const { isAskedFor, send, tellersOf } = this.#options
    const isOurs = isAskedFor(key, from)
    const before = isOurs ? undefined : this.#covering(key, want)
    // It asks because we asked it: it may have another way, and so may we.
    if (before?.asked === asker) return false
    let asked = before?.asked
    if (!isOurs && before === undefined) {
      asked = tellersOf(key, from).findLast((peer) => peer !== asker && !tried.includes(peer))
      const name = `${key} ${from}`
      const mayAsk = tried.length > 0 || this.#isNew(name, now)
      if (asked === undefined || !mayAsk || !this.#rate.take(now)) return false
      this.#passedAt.set(name, now)
      send(asked, { _tag: "Want", stream, ranges: [{ from, to }], parts: undefined })
    }
    this.#waiting.add({ asker, stream, from, to, key, asked, tried, until: now + PASS_MS, isAnswered: false })
    return true
  }

  /** Whether a neighbour waits for a seq of the range, that of an envelope. */
  isWaitedFor(key: string, range: SeqRange): boolean {
    for (const each of this.#waiting) if (each.key === key && overlap(each, range)) return true
    return false
  }

  /** The neighbours that wait for a seq of the range, each once: the caller has it, and gives it to them. */
  askersOf(key: string, range: SeqRange): Iterable<string> {
    const askers = new Set<string>()
    for (const each of this.#waiting) {
      if (each.key !== key || !overlap(each, range)) continue
      each.isAnswered = true
      askers.add(each.asker)
    }
    return askers
  }

  /** The neighbour that was asked has nothing of the range: the next one that told of it is asked. */
  none(key: string, range: SeqRange, peer: string, now: number): void {
    this.#askOthers(peer, (each) => each.key === key && each.from >= range.from && each.to <= range.to, now)
    for (const each of [...this.#waiting]) {
      if (each.asked === peer && each.key === key && overlap(each, range)) this.#askOthersForPart(each, range, now)
    }
  }

  /** Ends the waits whose time is over. */
  tick(now: number): void {
    if (now >= (this.deadline ?? Number.POSITIVE_INFINITY)) this.#end(({ until }) => until <= now)
  }

  /** The neighbour answers no more: for each range that it was asked for, the next one that told of it is asked. */
  neighborDown(peer: string, now: number): void {
    for (const each of this.#waiting) if (each.asker === peer) this.#waiting.delete(each)
    this.#askOthers(peer, () => true, now)
  }

  /** Whether another range may wait, of all neighbours and of this one. */
  #hasRoom(asker: string): boolean {
    if (this.#waiting.size >= MAX_PASSED) return false
    let waits = 0
    for (const each of this.#waiting) if (each.asker === asker) waits++
    return waits < MAX_PASSED_OF_ONE
  }

  #covering(key: string, { from, to }: SeqRange): Waiting | undefined {
    for (const each of this.#waiting) if (each.key === key && each.from <= from && each.to >= to) return each
    return undefined
  }

  #isNew(name: string, now: number): boolean {
    const last = this.#passedAt.get(name)
    return last === undefined || now - last >= AGAIN_MS
  }

  /** This neighbour gives no more of these ranges: the next ones are asked. */
  #askOthers(peer: string, isMeant: (each: Waiting) => boolean, now: number): void {
    const left = [...this.#waiting].filter((each) => each.asked === peer && isMeant(each))
    for (const each of left) this.#waiting.delete(each)
    for (const each of left) this.#askNext(each, now)
  }

  /** The neighbour lacks the beginning or the end of the range: the next one is asked for that part. A hole within it ends with the time. */
  #askOthersForPart(each: Waiting, { from, to }: SeqRange, now: number): void {
    const part = { ...each, from: Math.max(each.from, from), to: Math.min(each.to, to), isAnswered: false }
    if (part.from === each.from) each.from = part.to + 1
    else if (part.to === each.to) each.to = part.from - 1
    else return
    this.#askNext(part, now)
  }

  /** Asks the next neighbour. An asker without an answer gets a None if there is none. */
  #askNext(each: Waiting, now: number): void {
    if (each.isAnswered || each.asked === undefined) return
    if (!this.#ask(each, each.key, [...each.tried, each.asked], now)) this.#sendNone(each)
  }

  /** Ends these waits: an asker without an answer gets a None. */
  #end(isMeant: (each: Waiting) => boolean): void {
    for (const each of [...this.#waiting].filter(isMeant)) {
      this.#waiting.delete(each)
      if (!each.isAnswered) this.#sendNone(each)
    }
  }

  #sendNone({ asker, from, stream, to }: Waiting): void {
    this.#options.send(asker, { _tag: "None", stream, from, to })
  }
}

const overlap = (a: SeqRange, b: SeqRange): boolean => a.from <= b.to && b.from <= a.to
