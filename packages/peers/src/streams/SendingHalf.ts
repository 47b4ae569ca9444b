/**
 * The half of a peer stream that sends: writes wait here for the credit of the peer, are cut into slices and put into frames, with the credit that we
 * give. It is over when its end was sent or it was reset. Callbacks and plain data.
 */
import type { Timer, Timers } from "@topic-tracker/common"
import { concat } from "@topic-tracker/common/Bytes"
import type { BiStream } from "@topic-tracker/gossip"
import type { SlicePolicy } from "./SlicePolicy.ts"
import { DATA_HEAD, encodeCredit, encodeDataHead, FINISH_FRAME, FIRST_WINDOW } from "./wire.ts"

/** Options of {@link SendingHalf}. */
export interface SendingHalfOptions {
  readonly send: BiStream["send"]
  readonly timers: Timers
  readonly slices: SlicePolicy
  /** The credit that the peer is to get now; it counts as given. */
  readonly takeCredit: () => number
  /** Whether the peer sends no more: then it needs no credit. */
  readonly isPeerDone: () => boolean
  /** Nothing is sent any more. */
  readonly over: () => void
}

/** One write to the transport. */
interface NextWrite {
  readonly bytes: Uint8Array
  /** Bytes that go before them. */
  readonly head: Uint8Array | undefined
  readonly done: ReadonlyArray<(isAlive: boolean) => void>
}

interface QueuedWrite {
  readonly bytes: Uint8Array
  sent: number
  readonly done: (isAlive: boolean) => void
}

export class SendingHalf {
  readonly #options: SendingHalfOptions
  #credit = FIRST_WINDOW
  #queue: Array<QueuedWrite> = []
  #isWriting = false
  #isPumping = false
  #ending: { readonly frame: Uint8Array; readonly isClose: boolean } | undefined
  #isEndSent = false
  #isOver = false
  /** Runs at the end of the rest that bulk keeps now. */
  #rest: Timer | undefined

  constructor(options: SendingHalfOptions) {
    this.#options = options
  }

  /** Whether bytes of writes wait to be sent. */
  get hasUnsent(): boolean {
    return this.#queue.length > 0
  }

  get isEndSent(): boolean {
    return this.#isEndSent
  }

  /** Nothing is sent any more: reset, or finished. */
  get isOver(): boolean {
    return this.#isOver
  }

  /**
   * Writes bytes, which the stream owns from then on. `done(true)`: they were given to the transport. Returns a function that takes the
   * write back if none of it was sent.
   */
  write(bytes: Uint8Array, done: (isAlive: boolean) => void): () => void {
    if (this.#ending !== undefined || this.#isOver) {
      done(false)
      return () => {}
    }
    const write: QueuedWrite = { bytes, sent: 0, done }
    this.#queue.push(write)
    this.pump()
    return () => {
      if (write.sent === 0) this.#queue = this.#queue.filter((each) => each !== write)
    }
  }

  /** Half-close, after everything that was written. */
  finish(): void {
    if (this.#ending !== undefined || this.#isOver) return
    this.#ending = { frame: FINISH_FRAME, isClose: false }
    this.pump()
  }

  /** Sends the frame that closes both directions, after everything that was written. */
  close(frame: Uint8Array): void {
    this.#ending = { frame, isClose: true }
    this.#isEndSent = false
    this.pump()
  }

  /** Resets: what waits is not sent. */
  cut(code: number): void {
    this.#dropQueue()
    if (this.#isOver) return
    this.#end((send) => send.reset(code))
  }

  /** The peer closed both directions: what waits is not sent. */
  peerClosed(): void {
    this.#dropQueue()
    if (this.#isOver || this.#isWriting) {
      this.#ending ??= { frame: FINISH_FRAME, isClose: false }
      return
    }
    this.#end((send) => send.finish())
  }

  addCredit(bytes: number): void {
    this.#credit = Math.min(this.#credit + bytes, 0xffff_ffff)
    if (bytes > 0) this.pump()
  }

  /** Sends what can be sent: writes, credit, the end. */
  pump(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    while (!this.#isWriting && !this.#isOver) {
      const next = this.#next()
      if (next === undefined) break
      this.#isWriting = true
      const written = (isAlive: boolean): void => {
        this.#isWriting = false
        this.#options.slices.worked(next.bytes.length)
        for (const done of next.done) done(isAlive)
        // The peer's end of the stream is gone, or the connection is. The read tells which.
        if (!isAlive) this.cut(1006)
        this.pump()
      }
      this.#options.send.write(next.bytes, written, next.head)
    }
    this.#isPumping = false
    this.finishIfDone()
  }

  /** QUIC's direction ends when no credit is to be given any more. */
  finishIfDone(): void {
    if (this.#isOver || this.#isWriting || !this.#isEndSent) return
    if (this.#ending?.isClose !== true && !this.#options.isPeerDone()) return
    this.#end((send) => send.finish())
  }

  /** A reset ends a write that is under way, whose callback must find that this half is over. */
  #end(tell: (send: BiStream["send"]) => void): void {
    this.#isOver = true
    if (this.#rest !== undefined) this.#options.timers.cancel(this.#rest)
    this.#rest = undefined
    tell(this.#options.send)
    this.#options.over()
  }

  #dropQueue(): void {
    const queue = this.#queue
    this.#queue = []
    for (const { done } of queue) done(false)
  }

  #next(): NextWrite | undefined {
    const parts: Array<Uint8Array> = []
    const done: Array<(isAlive: boolean) => void> = []
    const credit = this.#options.takeCredit()
    if (credit > 0) parts.push(encodeCredit(credit))
    const slice = this.#takeSlice(done)
    if (slice !== undefined) parts.push(encodeDataHead(slice.length), slice)
    if (this.#ending !== undefined && !this.#isEndSent && this.#queue.length === 0) {
      parts.push(this.#ending.frame)
      this.#isEndSent = true
    }
    const [first, second] = parts
    if (first === undefined) return undefined
    if (second === undefined) return { bytes: first, head: undefined, done }
    // The transport puts the two together, which saves bulk a copy.
    if (parts.length === 2) return { bytes: second, head: first, done }
    return { bytes: concat(...parts), head: undefined, done }
  }

  /** The bytes that wait, no more than so many, and those that the credit allows. */
  #sendable(limit: number): number {
    let length = 0
    for (const { bytes, sent } of this.#queue) {
      length += bytes.length - sent
      if (length >= limit) break
    }
    return Math.min(length, limit, this.#credit)
  }

  /** Whether these bytes are to wait now, because bulk rests; they go on when that is over. */
  #isResting(bytes: number): boolean {
    if (this.#rest !== undefined) return true
    const { slices, timers } = this.#options
    const ms = slices.restMs(bytes)
    if (ms === 0) return false
    this.#rest = timers.schedule(ms, () => {
      this.#rest = undefined
      this.pump()
    })
    return true
  }

  /** As much of the writes as one write to the transport and the credit allow: a part of one of them, or many together. */
  #takeSlice(done: Array<(isAlive: boolean) => void>): Uint8Array | undefined {
    const length = this.#sendable(this.#options.slices.bytes())
    if (this.#isResting(length)) return undefined
    const parts: Array<Uint8Array> = []
    let left = length
    while (this.#queue.length > 0) {
      const write = this.#queue[0]!
      const part = write.bytes.subarray(write.sent, write.sent + left)
      if (part.length > 0) parts.push(part)
      left -= part.length
      write.sent += part.length
      if (write.sent < write.bytes.length) break
      this.#queue.shift()
      done.push(write.done)
    }
    if (length === 0) {
      for (const each of done.splice(0)) each(true)
      return undefined
    }
    this.#credit -= length
    if (this.#queue.length === 0) this.#options.slices.sent(DATA_HEAD + length)
    return parts.length === 1 ? parts[0]! : concat(...parts)
  }
}
