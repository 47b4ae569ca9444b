/**
 * The messages that this node had recently, to judge whether another node is in the same swarm. A record holds the hashes of its
 * publisher's last messages, which are no longer our last ones by the time the record is read. So more messages are
 * remembered than a record holds, and the time since which this node has missed none.
 */
import { Bytes, type Timers } from "@topic-tracker/common"
import { messageHash } from "@topic-tracker/crypto"

/** The number of hashes in a record (distributed-topic-tracker 0.3.5, `GossipRecordContent`). */
const MAX_RECORD_HASHES = 5
/** Content up to this size is copied on arrival and hashed only when its hash is needed. In a busy topic most hashes never are. */
const HASH_LATER_MAX_BYTES = 4096
/** The time for which a message is needed at least: records that are read are up to two minutes old, and their publishers' clocks may be wrong. */
const NEEDED_FOR_MS = 150_000
/** A topic with more messages in that time (110 a second) is too busy: nothing is remembered. Each message takes 12 bytes. */
const MAX_REMEMBERED = 16_384
const FIRST_CAPACITY = 64
/** So many are remembered for longer than they are needed: 12 KB. */
const SPARE_CAPACITY = 1_024
/** The 32-bit words of a message: the first 8 bytes of its hash, and its time in s. */
const WORDS = 3

/** Shared by all topics without messages. */
const EMPTY_RING = new Uint32Array(0)

type Recent = { readonly at: number } & ({ readonly content: Uint8Array } | { readonly hash: Uint8Array })

export class RecentMessages {
  #receivedCount = 0
  readonly #timers: Timers
  readonly #beganAt: number
  /** The last messages received, which our own record holds. The oldest first. */
  readonly #recent: Array<Recent> = []
  /** A ring of earlier messages and of our own. It grows as needed. */
  #ring = EMPTY_RING
  #first = 0
  #size = 0
  /** Nothing is remembered until then, in ms of the timers: the topic is too busy. */
  #pausedUntil = Number.NEGATIVE_INFINITY
  /** This node may have missed messages until then, in ms of the timers. */
  #gapEndsAt = Number.NEGATIVE_INFINITY

  constructor(timers: Timers) {
    this.#timers = timers
    this.#beganAt = timers.now()
  }

  /** The number of messages received. */
  get receivedCount(): number {
    return this.#receivedCount
  }

  /** Adds a message from another node. Copies or hashes the content. */
  addReceived(content: Uint8Array): void {
    this.#receivedCount++
    const at = this.#timers.now()
    this.#recent.push(
      content.length > HASH_LATER_MAX_BYTES ? { at, hash: messageHash(content) } : { at, content: content.slice() },
    )
    if (this.#recent.length > MAX_RECORD_HASHES) this.#remember(this.#recent.shift() as Recent)
  }

  /** Adds a message of our own: records of other nodes hold its hash, ours does not. */
  addSent(content: Uint8Array): void {
    this.#remember({ at: this.#timers.now(), content })
  }

  /** This node is alone, or was until now: it may have missed messages. Forgets the earlier ones. */
  markGap(): void {
    this.#gapEndsAt = this.#timers.now()
    this.#clear()
  }

  /** SHA-512, cut to 32 bytes, of the last messages received; the oldest first. */
  lastHashes(): ReadonlyArray<Uint8Array> {
    return this.#recent.map((message, i) => {
      const hash = hashOf(message)
      if (!("hash" in message)) this.#recent[i] = { at: message.at, hash }
      return hash
    })
  }

  /** The time at which this node had the message, in ms of the timers, with an error of one second; undefined for an unknown message. */
  timeOf(hash: Uint8Array): number | undefined {
    const { high, low } = keyOf(hash)
    const ring = this.#ring
    for (let i = 0; i < this.#size; i++) {
      const slot = this.#slot(i)
      if (ring[slot] === high && ring[slot + 1] === low) return this.#timeAt(i)
    }
    return this.#recent[this.lastHashes().findIndex((each) => Bytes.equals(each, hash))]?.at
  }

  /**
   * The time of the oldest message since which none is missing, in ms of the timers; undefined before the first message. A node of our
   * swarm whose record is younger than that names a message that we know.
   */
  get completeSince(): number | undefined {
    const oldest = this.#recent.find(({ at }) => at >= this.#gapEndsAt)?.at
    if (this.#size === 0) return oldest
    return Math.min(this.#timeAt(0), oldest ?? Number.POSITIVE_INFINITY)
  }

  #remember(message: Recent): void {
    const now = this.#timers.now()
    if (now < this.#pausedUntil || message.at < this.#gapEndsAt) return
    if (this.#size === this.#ring.length / WORDS) this.#makeRoom(now)
    if (now < this.#pausedUntil) return
    const { high, low } = keyOf(hashOf(message))
    const slot = this.#slot(this.#size++)
    this.#ring[slot] = high
    this.#ring[slot + 1] = low
    this.#ring[slot + 2] = Math.round((message.at - this.#beganAt) / 1_000)
  }

  /** A ring of needed messages grows. Else the oldest message leaves: a topic of ten messages a second would keep half an hour of them. */
  #makeRoom(now: number): void {
    const capacity = this.#ring.length / WORDS
    const isNeeded = capacity < SPARE_CAPACITY || now - this.#timeAt(0) < NEEDED_FOR_MS
    if (!isNeeded) {
      this.#first = (this.#first + 1) % capacity
      this.#size--
    } else if (capacity < MAX_REMEMBERED) this.#grow(Math.max(FIRST_CAPACITY, 2 * capacity))
    else {
      this.#pausedUntil = now + NEEDED_FOR_MS
      this.#clear()
    }
  }

  #clear(): void {
    this.#ring = EMPTY_RING
    this.#first = 0
    this.#size = 0
  }

  #grow(capacity: number): void {
    const ring = new Uint32Array(capacity * WORDS)
    const at = this.#first * WORDS
    ring.set(this.#ring.subarray(at))
    ring.set(this.#ring.subarray(0, at), this.#ring.length - at)
    this.#ring = ring
    this.#first = 0
  }

  #slot(index: number): number {
    return ((this.#first + index) % (this.#ring.length / WORDS)) * WORDS
  }

  #timeAt(index: number): number {
    return this.#beganAt + this.#ring[this.#slot(index) + 2]! * 1_000
  }
}

const hashOf = (message: Recent): Uint8Array => ("hash" in message ? message.hash : messageHash(message.content))

const keyOf = (hash: Uint8Array): { readonly high: number; readonly low: number } => {
  const view = new DataView(hash.buffer, hash.byteOffset, hash.byteLength)
  return { high: view.getUint32(0), low: view.getUint32(4) }
}
