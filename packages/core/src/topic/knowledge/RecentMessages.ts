/**
 * The messages of a topic that this node had, as far as they tell whether somebody else is in the same swarm: records show the
 * hashes of their publisher's last messages, which are not our last ones by the time they are read. So more are remembered
 * than a record shows, and how far back none is missing.
 */

import type { Timers } from "@topic-tracker/common"
import { Bytes } from "@topic-tracker/common"
import { messageHash } from "@topic-tracker/crypto"

/** As many hashes fit into a record (distributed-topic-tracker, `GossipRecordContent`). */
const RECORD_SLOTS = 5
/** Content up to this size is copied on arrival and hashed only when it is asked for: in a busy topic most never is. */
const HASH_LATER_LIMIT = 4096
/** Records are read that are up to two minutes old, and their publishers' clocks may be off; ms. */
const NEEDED_FOR = 150_000
/** A topic with more messages in that time (110 a second) is too busy to remember: 12 bytes each. */
const MOST_REMEMBERED = 16_384
const FIRST_CAPACITY = 64
/** Of each: the first 8 bytes of the hash, and when it was, in s. */
const WORDS = 3

/** Most topics remember nothing. */
const nothing = new Uint32Array(0)

type Recent = { readonly at: number } & ({ readonly content: Uint8Array } | { readonly hash: Uint8Array })

export class HeardMessages {
  /** Messages received. */
  count = 0
  readonly #timers: Timers
  readonly #began: number
  /** The last messages received, which our own record shows. The oldest first. */
  readonly #recent: Array<Recent> = []
  /** A ring of those before, and of our own; as large as it had to be. */
  #ring = nothing
  #first = 0
  #size = 0
  /** Nothing is remembered until then, in ms of the timers: there is too much of it. */
  #restsUntil = Number.NEGATIVE_INFINITY
  /** Until then messages may have passed us by. */
  #missedUntil = Number.NEGATIVE_INFINITY

  constructor(timers: Timers) {
    this.#timers = timers
    this.#began = timers.now()
  }

  /** The content is copied, or hashed. */
  received(content: Uint8Array): void {
    this.count++
    const at = this.#timers.now()
    this.#recent.push(
      content.length > HASH_LATER_LIMIT ? { at, hash: messageHash(content) } : { at, content: content.slice() },
    )
    if (this.#recent.length > RECORD_SLOTS) this.#remember(this.#recent.shift() as Recent)
  }

  /** Of our own: others show it, and our record does not. */
  sent(content: Uint8Array): void {
    this.#remember({ at: this.#timers.now(), content })
  }

  /** We are alone, or were until now: what others said meanwhile did not come to us. */
  interrupted(): void {
    this.#missedUntil = this.#timers.now()
    this.#clear()
  }

  /** SHA-512, cut to 32 bytes, of the last messages received; the oldest first. */
  last(): ReadonlyArray<Uint8Array> {
    return this.#recent.map((message, i) => {
      const hash = hashOf(message)
      if (!("hash" in message)) this.#recent[i] = { at: message.at, hash }
      return hash
    })
  }

  /** When the message was here, in ms of the timers, with an error of a second; undefined where it is not known. */
  heardAt(hash: Uint8Array): number | undefined {
    const { high, low } = keyOf(hash)
    const ring = this.#ring
    for (let i = 0; i < this.#size; i++) {
      const slot = this.#slot(i)
      if (ring[slot] === high && ring[slot + 1] === low) return this.#timeAt(i)
    }
    return this.#recent[this.last().findIndex((each) => Bytes.equals(each, hash))]?.at
  }

  /**
   * When the oldest message was here of those since which none is missing, in ms of the timers; undefined before the first. Who
   * is in our swarm and showed its last messages after that showed one that we know.
   */
  get completeSince(): number | undefined {
    const oldest = this.#recent.find(({ at }) => at >= this.#missedUntil)?.at
    if (this.#size === 0) return oldest
    return Math.min(this.#timeAt(0), oldest ?? Number.POSITIVE_INFINITY)
  }

  #remember(message: Recent): void {
    const now = this.#timers.now()
    if (now < this.#restsUntil || message.at < this.#missedUntil) return
    const capacity = this.#ring.length / WORDS
    if (this.#size === MOST_REMEMBERED) {
      if (now - this.#timeAt(0) < NEEDED_FOR) {
        this.#restsUntil = now + NEEDED_FOR
        this.#clear()
        return
      }
      this.#first = (this.#first + 1) % capacity
      this.#size--
    } else if (this.#size === capacity) this.#grow(Math.max(FIRST_CAPACITY, 2 * capacity))
    const { high, low } = keyOf(hashOf(message))
    const slot = this.#slot(this.#size++)
    this.#ring[slot] = high
    this.#ring[slot + 1] = low
    this.#ring[slot + 2] = Math.round((message.at - this.#began) / 1_000)
  }

  #clear(): void {
    this.#ring = nothing
    this.#first = 0
    this.#size = 0
  }

  /** Before the ring has gone round: it does so only at its full size. */
  #grow(capacity: number): void {
    const ring = new Uint32Array(capacity * WORDS)
    ring.set(this.#ring)
    this.#ring = ring
  }

  #slot(index: number): number {
    return ((this.#first + index) % (this.#ring.length / WORDS)) * WORDS
  }

  #timeAt(index: number): number {
    return this.#began + this.#ring[this.#slot(index) + 2]! * 1_000
  }
}

const hashOf = (message: Recent): Uint8Array => ("hash" in message ? message.hash : messageHash(message.content))

const keyOf = (hash: Uint8Array): { readonly high: number; readonly low: number } => {
  const view = new DataView(hash.buffer, hash.byteOffset, hash.byteLength)
  return { high: view.getUint32(0), low: view.getUint32(4) }
}
