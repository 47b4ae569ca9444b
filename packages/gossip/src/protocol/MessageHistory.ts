/**
 * The messages that a node had of late: their ids for longer, so that none is delivered twice, their payloads for less long, for
 * peers that graft. Everything lives equally long, so the order in which messages come is the order in which they go, and a ring is
 * enough; a hash table of chains finds them in it. The ids lie in typed arrays: at thousands of messages a second a Map of strings
 * and an object for each had cost a tenth of the processor time, and the garbage collector theirs.
 */
import type { Gossip } from "./Message.ts"
import * as MessageId from "./MessageId.ts"

export interface MessageHistoryOptions {
  /** How long an id is kept. If that is shorter than for its payload, then as long as that. */
  readonly idRetentionMs: number
  readonly maxIds: number
  readonly payloadRetentionMs: number
  /** The most bytes of payloads, each counted with what holds it. */
  readonly maxPayloadBytes: number
}

/** A payload counts for so many bytes beside its content. */
const payloadOverhead = 256

const leastCapacity = 16
const idWords = 8

/** In a chain: nothing follows. Links are places in the ring plus one. */
const chainEnd = 0
/** In the place of a link: the same message came again later, and this entry is in no chain. */
const superseded = -1

/** Two odd numbers of this process alone, or others could choose messages that all fall into one chain. */
const chance = crypto.getRandomValues(new Int32Array(2))
const factor0 = chance[0]! | 1
const factor1 = chance[1]! | 1

export class MessageHistory {
  private readonly options: MessageHistoryOptions
  /** Entries are numbered as they come; from `head` up to `tail` they are there, each at its number modulo the capacity. */
  private head = 0
  private tail = 0
  /** Entries before this one have no payload any more. */
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

  /** How many ids are kept. */
  get size(): number {
    return this.idCount
  }

  /** Of how many of them the payload is kept, too. */
  get payloadSize(): number {
    return this.payloadCount
  }

  has(id: MessageId.MessageId): boolean {
    return this.find(id) !== undefined
  }

  /** What a peer that grafts is to get. */
  payload(id: MessageId.MessageId): Gossip | undefined {
    const place = this.find(id)
    return place === undefined ? undefined : this.payloads[place]
  }

  /** Keeps a message, from now on if it came before. `now` in milliseconds, never less than in an earlier call. */
  add(message: Gossip, now: number): void {
    const { id } = message
    const before = this.find(id)
    if (before !== undefined) this.supersede(before)
    if (this.tail - this.head === this.capacity) this.resize(Math.max(leastCapacity, 2 * this.capacity))
    const place = this.placeOf(this.tail++)
    for (let i = 0; i < idWords; i++) this.ids[place * idWords + i] = MessageId.word(id, i)
    this.times[place] = now
    this.payloads[place] = message
    this.link(place)
    this.idCount++
    this.payloadCount++
    this.payloadBytes += weightOf(message)
    while (this.tail - this.head > this.options.maxIds) this.removeOldest()
    while (this.payloadBytes > this.options.maxPayloadBytes) this.removeOldestPayload()
  }

  /** Removes what is over its time. Until then it is still found. */
  evict(now: number): void {
    const { idRetentionMs, payloadRetentionMs } = this.options
    while (this.head < this.tail && this.isOver(this.head, idRetentionMs, now)) this.removeOldest()
    while (this.payloadHead < this.tail && this.isOver(this.payloadHead, payloadRetentionMs, now)) {
      this.removeOldestPayload()
    }
    const used = this.tail - this.head
    if (used === 0) this.resize(0)
    else if (used * 4 <= this.capacity && this.capacity > leastCapacity) this.resize(this.capacity / 2)
  }

  private isOver(entry: number, retentionMs: number, now: number): boolean {
    return this.times[this.placeOf(entry)]! + retentionMs <= now
  }

  private removeOldest(): void {
    if (this.payloadHead === this.head) this.removeOldestPayload()
    const place = this.placeOf(this.head++)
    if (this.links[place] === superseded) return
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
    this.links[place] = superseded
    this.idCount--
  }

  private placeOf(entry: number): number {
    return entry & (this.capacity - 1)
  }

  /** The chain that an id with these first two words belongs to: multiply-shift hashing, whose upper bits are the good ones. */
  private chainOf(word0: number, word1: number): number {
    const mixed = Math.imul(word0, factor0) + Math.imul(word1, factor1)
    return Math.imul(mixed ^ (mixed >>> 15), factor1) >>> Math.clz32(this.capacity - 1)
  }

  private find(id: MessageId.MessageId): number | undefined {
    if (this.capacity === 0) return undefined
    let link = this.chains[this.chainOf(MessageId.word(id, 0), MessageId.word(id, 1))]!
    while (link !== chainEnd) {
      if (this.isAt(link - 1, id)) return link - 1
      link = this.links[link - 1]!
    }
    return undefined
  }

  private isAt(place: number, id: MessageId.MessageId): boolean {
    for (let i = 0; i < idWords; i++) if (this.ids[place * idWords + i] !== MessageId.word(id, i)) return false
    return true
  }

  private chainAt(place: number): number {
    return this.chainOf(this.ids[place * idWords]!, this.ids[place * idWords + 1]!)
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

  /** Makes room for so many entries, a power of two or none. They keep their numbers, and so their order. */
  private resize(capacity: number): void {
    const { capacity: oldCapacity, ids, links, payloads, times } = this
    this.capacity = capacity
    this.ids = new Int32Array(capacity * idWords)
    this.times = new Float64Array(capacity)
    this.links = new Int32Array(capacity)
    this.chains = new Int32Array(capacity)
    this.payloads = new Array<Gossip | undefined>(capacity).fill(undefined)
    for (let entry = this.head; entry < this.tail; entry++) {
      const from = entry & (oldCapacity - 1)
      const to = this.placeOf(entry)
      this.ids.set(ids.subarray(from * idWords, (from + 1) * idWords), to * idWords)
      this.times[to] = times[from]!
      this.payloads[to] = payloads[from]
      if (links[from] === superseded) this.links[to] = superseded
      else this.link(to)
    }
  }
}

const weightOf = ({ content }: Gossip): number => content.length + payloadOverhead
