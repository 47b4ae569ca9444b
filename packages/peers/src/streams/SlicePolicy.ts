/**
 * How bulk gives way. The binding converts each byte on the one thread of JavaScript, some 50 ns a byte on each side: a slice of 64 KiB makes everything else
 * of both processes wait for 3 ms, and a transfer without pauses keeps two processor cores busy, so that each step of a message waits for one. So
 * slices are small while there is other work, and beside gossip all bulk of this node rests for a part of its time, when it sends and when it reads. It
 * knows no stream; the time comes from outside.
 */

/** Bytes of a write or read beside other work: a bulk transfer keeps 80 % of its rate, and a small round trip takes no longer than without it. */
const BUSY_BYTES = 4_096
/** Without other work; a message that comes as the first one after a silence waits for one of these at most. */
const IDLE_BYTES = 65_536

/** Other work counts for this time. */
const BUSY_MS = 100

/** Bulk begins with small slices for this time, and it begins anew after a pause of {@link BUSY_MS}: gossip may begin together with it. */
const BEGIN_MS = 10

/** Gossip's counter is read at most so often. */
const LOOK_MS = 1

/** A write or read up to this size is no bulk. */
const SMALL_BYTES = 1_024

/** Beside gossip bulk rests for so many ms per ms that it worked. With the small slices it keeps some 60 % of its rate. */
const REST_SHARE = 1 / 3

/** A slice counts as work for so long at most: it may have waited for its peer. */
const MAX_SLICE_MS = 4

/** A rest has at least this length, that of a timer, and at most the other one, however slow the machine is. */
const MIN_REST_MS = 1
const MAX_REST_MS = 4

export class SlicePolicy {
  readonly #now: () => number
  readonly #gossipMessages: () => number
  #known: number
  #lookAt = Number.NEGATIVE_INFINITY
  #gossipUntil = Number.NEGATIVE_INFINITY
  #smallUntil = Number.NEGATIVE_INFINITY
  #beganAt = Number.NEGATIVE_INFINITY
  /** The end of the last slice or rest. */
  #workedAt = Number.NEGATIVE_INFINITY
  /** The rest that is due for work so far, in ms. */
  #due = 0
  #rest: { readonly from: number; readonly until: number } | undefined

  constructor(now: () => number, gossipMessages: () => number) {
    this.#now = now
    this.#gossipMessages = gossipMessages
    this.#known = gossipMessages()
  }

  /** The bytes of the next write or read. */
  bytes(): number {
    const now = this.#now()
    this.#look(now)
    if (now >= this.#workedAt + BUSY_MS && now >= this.#beganAt + BUSY_MS) this.#beganAt = now
    const isBusy = now < Math.max(this.#gossipUntil, this.#smallUntil, this.#beganAt + BEGIN_MS)
    return isBusy ? BUSY_BYTES : IDLE_BYTES
  }

  /** The ms until the next slice of a transfer may begin, of which so many bytes are there; 0: now. */
  restMs(bytes: number): number {
    const rest = this.#rest
    if (rest === undefined || bytes <= SMALL_BYTES) return 0
    const now = this.#now()
    if (now < rest.until) return rest.until - now
    // A timer that was late has made the rest longer, which counts for the next one.
    this.#due = Math.max(this.#due - (now - rest.from), -MAX_REST_MS)
    this.#rest = undefined
    this.#workedAt = now
    return 0
  }

  /** A slice of this size was written or read. */
  worked(bytes: number): void {
    if (bytes <= SMALL_BYTES) return
    const now = this.#now()
    this.#look(now)
    const ms = Math.min(now - this.#workedAt, MAX_SLICE_MS)
    this.#workedAt = now
    if (now >= this.#gossipUntil) {
      this.#due = 0
      return
    }
    if (this.#rest !== undefined) return
    this.#due += ms * REST_SHARE
    if (this.#due < MIN_REST_MS) return
    // Whole milliseconds, as timers have them.
    this.#rest = { from: now, until: now + Math.min(Math.ceil(this.#due), MAX_REST_MS) }
  }

  /** A stream has sent all that it had to send, in one slice of this size. */
  sent(bytes: number): void {
    if (bytes <= SMALL_BYTES) this.#smallUntil = this.#now() + BUSY_MS
  }

  #look(now: number): void {
    if (now < this.#lookAt) return
    this.#lookAt = now + LOOK_MS
    const count = this.#gossipMessages()
    if (count !== this.#known) this.#gossipUntil = now + BUSY_MS
    this.#known = count
  }
}
