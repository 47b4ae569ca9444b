/**
 * The messages that a node received recently: their ids, so that none is delivered twice, and for a shorter time their payloads,
 * for peers that graft. All messages live equally long, so they expire in the order of their arrival and a ring is enough; a hash
 * table with chains finds them in it. The ids are in typed arrays: at thousands of messages a second, a Map of strings with an
 * object for each took a tenth of the processor time, and more in the garbage collector.
 */
import type { BudgetedHistory, HistoryBudget } from "./HistoryBudget.ts"
import type { Gossip } from "./Message.ts"
import * as MessageId from "./MessageId.ts"

/** The limits of a {@link MessageHistory}. Times in milliseconds. */
export interface MessageHistoryOptions {
  /** Time for which an id is kept; at least as long as its payload. */
  readonly idRetentionMs: number
  readonly maxIds: number
  readonly payloadRetentionMs: number
  /** Maximum number of bytes of payloads, each with its overhead. */
  readonly maxPayloadBytes: number
  /** The budget that this history shares with those of other topics. */
  readonly budget: HistoryBudget
}

/** Bytes that a payload counts in addition to its content. */
const PAYLOAD_OVERHEAD_BYTES = 256

/** Bytes of memory of an id: 56 in the arrays, which are half empty at worst. */
const ID_BYTES = 100

const MIN_CAPACITY = 16
const ID_WORDS = 8

/** The end of a chain. Links are positions in the ring plus one. */
const CHAIN_END = 0
/** Instead of a link: the same message came again later, and this entry is in no chain. */
const SUPERSEDED = -1

/** Two odd numbers that only this process knows: otherwise a peer could choose messages that all fall into one chain. */
const randomWords = crypto.getRandomValues(new Int32Array(2))
const factor0 = randomWords[0]! | 1
const factor1 = randomWords[1]! | 1

export class MessageHistory implements BudgetedHistory {
  private readonly options: MessageHistoryOptions
  /** Entries are numbered in order of arrival. Those from `head` up to `tail` exist, each at its number modulo the capacity. */
  private head = 0
  private tail = 0
  /** Entries before this one have no payload. */
  private payloadHead = 0
  private capacity = 0
  private ids = new Int32Array(0)
  private times = new Float64Array(0)
  private links = new Int32Array(0)
  private chains = new Int32Array(0)
  private payloads: Array<Gossip | undefined> = []
  private idCount = 0
  private payloadCount = 0
  private payloadBytes = 0

  constructor(options: MessageHistoryOptions) {
    this.options = { ...options, idRetentionMs: Math.max(options.idRetentionMs, options.payloadRetentionMs) }
  }

  /** The number of ids. */
  get size(): number {
    return this.idCount
  }

  /** The number of ids whose payload is kept too. */
  get payloadSize(): number {
    return this.payloadCount
  }

  has(id: MessageId.MessageId): boolean {
    return this.find(id) !== undefined
  }

  /** The payload for a peer that grafts. */
  payload(id: MessageId.MessageId): Gossip | undefined {
    const place = this.find(id)
    return place === undefined ? undefined : this.payloads[place]
  }

  /** Keeps a message; if it came before, its time starts again. `now`: milliseconds, never less than in an earlier call. */
  add(message: Gossip, now: number): void {
    const { id } = message
    const before = this.find(id)
    if (before !== undefined) this.supersede(before)
    if (this.tail - this.head === this.capacity) this.resize(Math.max(MIN_CAPACITY, 2 * this.capacity))
    const place = this.placeOf(this.tail++)
    for (let i = 0; i < ID_WORDS; i++) this.ids[place * ID_WORDS + i] = MessageId.word(id, i)
    this.times[place] = now
    this.payloads[place] = message
    this.link(place)
    this.idCount++
    this.payloadCount++
    this.payloadBytes += weightOf(message)
    while (this.tail - this.head > this.options.maxIds) this.removeOldest()
    while (this.payloadBytes > this.options.maxPayloadBytes) this.removeOldestPayload()
    this.options.budget.changed(this)
  }

  /** The memory of ids and payloads. */
  get bytes(): number {
    return this.payloadBytes + (this.tail - this.head) * ID_BYTES
  }

  /** Payloads first: without its id a message would be delivered again. */
  dropOldest(bytes: number): void {
    const limit = Math.max(0, this.bytes - bytes)
    while (this.payloadHead < this.tail && this.bytes > limit) this.removeOldestPayload()
    while (this.head < this.tail && this.bytes > limit) this.removeOldest()
  }

  /** Forgets all messages. */
  clear(): void {
    this.head = this.tail
    this.payloadHead = this.tail
    this.idCount = 0
    this.payloadCount = 0
    this.payloadBytes = 0
    this.resize(0)
    this.options.budget.changed(this)
  }

  /** Removes expired messages. Before that they are still found. */
  evict(now: number): void {
    const { idRetentionMs, payloadRetentionMs } = this.options
    while (this.head < this.tail && this.isExpired(this.head, idRetentionMs, now)) this.removeOldest()
    while (this.payloadHead < this.tail && this.isExpired(this.payloadHead, payloadRetentionMs, now)) {
      this.removeOldestPayload()
    }
    const used = this.tail - this.head
    if (used === 0) this.resize(0)
    else if (used * 4 <= this.capacity && this.capacity > MIN_CAPACITY) this.resize(this.capacity / 2)
    this.options.budget.changed(this)
  }

  private isExpired(entry: number, retentionMs: number, now: number): boolean {
    return this.times[this.placeOf(entry)]! + retentionMs <= now
  }

  private removeOldest(): void {
    if (this.payloadHead === this.head) this.removeOldestPayload()
    const place = this.placeOf(this.head++)
    if (this.links[place] === SUPERSEDED) return
    this.unlink(place)
    this.idCount--
  }

  private removeOldestPayload(): void {
    this.removePayload(this.placeOf(this.payloadHead++))
  }

  private removePayload(place: number): void {
    const payload = this.payloads[place]
    if (payload === undefined) return
    this.payloads[place] = undefined
    this.payloadCount--
    this.payloadBytes -= weightOf(payload)
  }

  private supersede(place: number): void {
    this.removePayload(place)
    this.unlink(place)
    this.links[place] = SUPERSEDED
    this.idCount--
  }

  private placeOf(entry: number): number {
    return entry & (this.capacity - 1)
  }

  /** The chain of an id with these first two words: multiply-shift hashing, which mixes its upper bits best. */
  private chainOf(word0: number, word1: number): number {
    const mixed = Math.imul(word0, factor0) + Math.imul(word1, factor1)
    return Math.imul(mixed ^ (mixed >>> 15), factor1) >>> Math.clz32(this.capacity - 1)
  }

  private find(id: MessageId.MessageId): number | undefined {
    if (this.capacity === 0) return undefined
    let link = this.chains[this.chainOf(MessageId.word(id, 0), MessageId.word(id, 1))]!
    while (link !== CHAIN_END) {
      if (this.isAt(link - 1, id)) return link - 1
      link = this.links[link - 1]!
    }
    return undefined
  }

  private isAt(place: number, id: MessageId.MessageId): boolean {
    for (let i = 0; i < ID_WORDS; i++) if (this.ids[place * ID_WORDS + i] !== MessageId.word(id, i)) return false
    return true
  }

  private chainAt(place: number): number {
    return this.chainOf(this.ids[place * ID_WORDS]!, this.ids[place * ID_WORDS + 1]!)
  }

  private link(place: number): void {
    const chain = this.chainAt(place)
    this.links[place] = this.chains[chain]!
    this.chains[chain] = place + 1
  }

  private unlink(place: number): void {
    const chain = this.chainAt(place)
    const next = this.links[place]!
    let link = this.chains[chain]!
    if (link === place + 1) {
      this.chains[chain] = next
      return
    }
    while (this.links[link - 1] !== place + 1) link = this.links[link - 1]!
    this.links[link - 1] = next
  }

  /** Changes the capacity to a power of two or to 0. Entries keep their numbers, and so their order. */
  private resize(capacity: number): void {
    const { capacity: oldCapacity, ids, links, payloads, times } = this
    this.capacity = capacity
    this.ids = new Int32Array(capacity * ID_WORDS)
    this.times = new Float64Array(capacity)
    this.links = new Int32Array(capacity)
    this.chains = new Int32Array(capacity)
    this.payloads = new Array<Gossip | undefined>(capacity).fill(undefined)
    for (let entry = this.head; entry < this.tail; entry++) {
      const from = entry & (oldCapacity - 1)
      const to = this.placeOf(entry)
      this.ids.set(ids.subarray(from * ID_WORDS, (from + 1) * ID_WORDS), to * ID_WORDS)
      this.times[to] = times[from]!
      this.payloads[to] = payloads[from]
      if (links[from] === SUPERSEDED) this.links[to] = SUPERSEDED
      else this.link(to)
    }
  }
}

const weightOf = ({ content }: Gossip): number => content.length + PAYLOAD_OVERHEAD_BYTES
