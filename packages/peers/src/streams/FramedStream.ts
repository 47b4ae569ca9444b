/**
 * One peer stream after its opening: bytes in frames, with flow control of our own, half-close, close and reset. QUIC's flow control does
 * not do: the binding cannot cancel a write that QUIC holds, nor set a window, nor tell how much waits. Here a write waits for credit
 * before it is given to the transport, and everything that arrives is read at once, so a reset is always seen and what a peer can make
 * us keep is the credit that we gave. Callbacks and plain data; `peerSocket.ts` makes a Socket of it.
 */

import type { Timer, Timers } from "@topic-tracker/common"
import { concat } from "@topic-tracker/common/Bytes"
import type { BiStream } from "@topic-tracker/gossip"
import type { SlicePolicy } from "./SlicePolicy.ts"
import type { WindowPool } from "./WindowPool.ts"
import { DATA_HEAD, encodeClose, encodeCredit, FINISH_FRAME, FIRST_WINDOW, FrameReader, writeDataHead } from "./wire.ts"

/** The end of what the peer sends: codes as in a WebSocket's close event. */
export interface StreamEnd {
  readonly code: number
  readonly reason: string | undefined
}

const ABNORMAL: StreamEnd = { code: 1_006, reason: undefined }

/** The largest window of a stream, below QUIC's own of 1.25 MB. */
const MAX_WINDOW = 1_048_576

/** A stream whose peer does not let it end in this time costs the peer its connection. */
const STUCK_MS = 10_000

/** After so many chunks that wait to be read, those shorter than this are put together. */
const MANY_CHUNKS = 16
const SHORT_BYTES = 1_024

/** Options of {@link FramedStream}. */
export interface FramedStreamOptions {
  readonly stream: BiStream
  readonly timers: Timers
  readonly pool: WindowPool
  readonly slices: SlicePolicy
  /** Both directions are over. Runs once. */
  readonly over: () => void
  /** The peer broke the protocol, or does not let the stream end: its connection is to be closed. */
  readonly violated: () => void
}

interface QueuedWrite {
  readonly bytes: Uint8Array
  sent: number
  readonly done: (isAlive: boolean) => void
}

export class FramedStream {
  readonly #options: FramedStreamOptions
  readonly #frames = new FrameReader()
  // The bytes that we send.
  #credit = FIRST_WINDOW
  #queue: Array<QueuedWrite> = []
  #isWriting = false
  #isPumping = false
  #ending: { readonly frame: Uint8Array; readonly isClose: boolean } | undefined
  #isEndSent = false
  /** Nothing is sent any more: reset, or finished. */
  #isSendOver = false
  // The bytes that we receive.
  #chunks: Array<Uint8Array> = []
  /** The buffer that the last chunk is a part of, if it takes more. */
  #tail: { readonly bytes: Uint8Array; used: number } | undefined
  #received = 0
  #granted = FIRST_WINDOW
  #window = FIRST_WINDOW
  #unannounced = 0
  #creditDue = 0
  #end: StreamEnd | undefined
  #waiting: (() => void) | undefined
  #isReadOver = false
  /** We closed: bytes that arrive are dropped. */
  #isDeaf = false
  #isOver = false
  #stuck: Timer | undefined

  constructor(options: FramedStreamOptions) {
    this.#options = options
  }

  /** Begins to read. `first`: bytes that came with the answer. Call it once. */
  start(first?: Uint8Array): void {
    if (first === undefined || first.length === 0 || this.#arrived(first)) this.#read()
  }

  /** Whether bytes of writes wait to be sent. */
  get hasUnsent(): boolean {
    return this.#queue.length > 0
  }

  /**
   * Writes bytes, which the stream owns from then on. `done(true)`: they were given to the transport. Returns a function that takes the
   * write back if none of it was sent.
   */
  write(bytes: Uint8Array, done: (isAlive: boolean) => void): () => void {
    if (this.#ending !== undefined || this.#isSendOver) {
      done(false)
      return () => {}
    }
    const write: QueuedWrite = { bytes, sent: 0, done }
    this.#queue.push(write)
    this.#pump()
    return () => {
      if (write.sent === 0) this.#queue = this.#queue.filter((each) => each !== write)
    }
  }

  /** Half-close, after everything that was written. Reading goes on. */
  finish(): void {
    if (this.#ending !== undefined || this.#isSendOver) return
    this.#ending = { frame: FINISH_FRAME, isClose: false }
    this.#pump()
  }

  /**
   * Ends both directions after everything that was written: the peer's reader gets the code. Bytes that it still sends are dropped. `end`: what our
   * reader gets.
   */
  close(code: number, reason?: string, end: StreamEnd = ABNORMAL): void {
    if (this.#isOver || this.#isDeaf) return
    this.#watch()
    if (!this.#isSendOver && !(this.#isEndSent && this.#isReadOver)) {
      this.#ending = { frame: encodeClose(code, reason), isClose: true }
      this.#isEndSent = false
      this.#pump()
    }
    this.#hearNothing(end)
  }

  /** Ends both directions at once: the peer's reader gets the code, ours `end`. */
  reset(code: number, end: StreamEnd = ABNORMAL): void {
    if (this.#isOver) return
    // Before the reader learns of it: it may end the stream in its own way then.
    this.#cutSending(code)
    this.#watch()
    this.#hearNothing(end)
  }

  /** The next bytes, at least one; or the end, again and again. One call at a time; the function takes it back. */
  read(done: (next: ReadonlyArray<Uint8Array> | StreamEnd) => void): () => void {
    const give = (): boolean => {
      if (this.#chunks.length > 0) {
        const chunks = this.#chunks
        this.#chunks = []
        this.#tail = undefined
        let length = 0
        for (const chunk of chunks) length += chunk.length
        this.#consumed(length)
        done(chunks)
      } else if (this.#end !== undefined) done(this.#end)
      else return false
      return true
    }
    if (give()) return () => {}
    const waiting = (): void => {
      this.#waiting = undefined
      give()
    }
    this.#waiting = waiting
    return () => {
      if (this.#waiting === waiting) this.#waiting = undefined
    }
  }

  #hearNothing(end: StreamEnd): void {
    this.#isDeaf = true
    this.#chunks = []
    this.#ended(end)
  }

  #ended(end: StreamEnd): void {
    this.#end ??= end
    this.#waiting?.()
  }

  #cutSending(code: number): void {
    this.#dropQueue()
    if (this.#isSendOver) return
    this.#isSendOver = true
    this.#options.stream.send.reset(code)
    this.#settle()
  }

  #dropQueue(): void {
    const queue = this.#queue
    this.#queue = []
    for (const { done } of queue) done(false)
  }

  /** From now on the peer has a limited time to end its direction. */
  #watch(): void {
    if (this.#isOver) return
    this.#stuck ??= this.#options.timers.schedule(STUCK_MS, () => {
      if (!this.#isOver) this.#options.violated()
    })
  }

  #settle(): void {
    if (this.#isOver || !this.#isSendOver || !this.#isReadOver) return
    this.#isOver = true
    if (this.#stuck !== undefined) this.#options.timers.cancel(this.#stuck)
    this.#options.pool.give(this.#window - FIRST_WINDOW)
    this.#options.over()
  }

  // Sending

  #pump(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    while (!this.#isWriting && !this.#isSendOver) {
      const next = this.#next()
      if (next === undefined) break
      this.#isWriting = true
      this.#options.stream.send.write(next.bytes, (isAlive) => {
        this.#isWriting = false
        for (const done of next.done) done(isAlive)
        if (!isAlive) this.#sendingFailed()
        this.#pump()
      })
    }
    this.#isPumping = false
    this.#finishSending()
  }

  /** The peer's end of the stream is gone, or the connection is. The read tells which. */
  #sendingFailed(): void {
    this.#dropQueue()
    if (!this.#isSendOver) {
      this.#isSendOver = true
      this.#options.stream.send.reset(1006)
    }
    this.#settle()
  }

  /** QUIC's direction ends when no credit is to be given any more. */
  #finishSending(): void {
    if (this.#isSendOver || this.#isWriting || !this.#isEndSent) return
    if (this.#ending?.isClose !== true && this.#end === undefined) return
    this.#isSendOver = true
    this.#options.stream.send.finish()
    this.#settle()
  }

  #next(): { readonly bytes: Uint8Array; readonly done: ReadonlyArray<(isAlive: boolean) => void> } | undefined {
    const parts: Array<Uint8Array> = []
    const done: Array<(isAlive: boolean) => void> = []
    if (this.#creditDue > 0 && !this.#isDeaf) {
      parts.push(encodeCredit(this.#creditDue))
      this.#creditDue = 0
    }
    const slice = this.#takeSlice(done)
    if (slice !== undefined) parts.push(slice)
    if (this.#ending !== undefined && !this.#isEndSent && this.#queue.length === 0) {
      parts.push(this.#ending.frame)
      this.#isEndSent = true
    }
    if (parts.length === 0) return undefined
    return { bytes: parts.length === 1 ? parts[0]! : concat(...parts), done }
  }

  /** One frame with as much of the writes as one write to the transport and the credit allow. */
  #takeSlice(done: Array<(isAlive: boolean) => void>): Uint8Array | undefined {
    const limit = Math.min(this.#options.slices.bytes(), this.#credit)
    let length = 0
    for (const { bytes, sent } of this.#queue) {
      length += bytes.length - sent
      if (length >= limit) break
    }
    length = Math.min(length, limit)
    const frame = length === 0 ? undefined : new Uint8Array(DATA_HEAD + length)
    let at = DATA_HEAD
    while (this.#queue.length > 0) {
      const write = this.#queue[0]!
      const part = write.bytes.subarray(write.sent, write.sent + length)
      frame?.set(part, at)
      at += part.length
      length -= part.length
      write.sent += part.length
      if (write.sent < write.bytes.length) break
      this.#queue.shift()
      done.push(write.done)
    }
    if (frame === undefined) {
      for (const each of done.splice(0)) each(true)
      return undefined
    }
    this.#credit -= frame.length - DATA_HEAD
    if (this.#queue.length === 0) this.#options.slices.sent(frame.length)
    writeDataHead(frame, 0, frame.length - DATA_HEAD)
    return frame
  }

  // Receiving

  /** There is always one read under way. */
  #read(): void {
    let isInCall = true
    let again = true
    while (again) {
      again = false
      isInCall = true
      this.#options.stream.receive.read((bytes, resetCode) => {
        if (bytes === undefined) this.#readOver(resetCode)
        else if (this.#arrived(bytes)) {
          if (isInCall) again = true
          else this.#read()
        }
      }, this.#options.slices.bytes())
      isInCall = false
    }
  }

  #readOver(resetCode: number | undefined): void {
    this.#isReadOver = true
    const wasEnded = this.#end !== undefined && resetCode === undefined && this.#frames.isBetweenFrames
    if (!wasEnded) {
      // A reset drops what was not read yet.
      this.#chunks = []
      this.#cutSending(resetCode ?? 1006)
      this.#ended({ code: codeOf(resetCode), reason: undefined })
    } else if (!this.#isEndSent) this.#cutSending(1006)
    this.#settle()
  }

  /** Returns false if the stream is not to be read any more. */
  #arrived(bytes: Uint8Array): boolean {
    const isRight = this.#frames.push(bytes, {
      data: (part) => {
        this.#received += part.length
        if (this.#isDeaf || this.#end !== undefined) return
        this.#keep(part, bytes.length)
      },
      credit: (added) => {
        this.#credit = Math.min(this.#credit + added, 0xffff_ffff)
        if (added > 0) this.#pump()
      },
      finish: () => {
        if (this.#end === undefined) this.#endedBy({ code: 1000, reason: undefined })
      },
      close: (code, reason) => this.#closedBy(code, reason),
    })
    if (isRight && this.#received <= this.#granted) {
      if (this.#chunks.length > 0) this.#waiting?.()
      return true
    }
    this.#isReadOver = true
    this.reset(1002)
    this.#options.violated()
    return false
  }

  /** Keeps bytes for the reader. A short part must not keep a long read, nor be an object of its own if there are many. */
  #keep(part: Uint8Array, readLength: number): void {
    if (part.length >= SHORT_BYTES || this.#chunks.length < MANY_CHUNKS) {
      this.#tail = undefined
      this.#chunks.push(part.length * 4 < readLength ? part.slice() : part)
      return
    }
    if (this.#tail === undefined || this.#tail.used + part.length > this.#tail.bytes.length) {
      this.#tail = { bytes: new Uint8Array(4 * SHORT_BYTES), used: 0 }
      this.#chunks.push(this.#tail.bytes)
    }
    this.#tail.bytes.set(part, this.#tail.used)
    this.#tail.used += part.length
    this.#chunks[this.#chunks.length - 1] = this.#tail.bytes.subarray(0, this.#tail.used)
  }

  #endedBy(end: StreamEnd): void {
    this.#end = end
    this.#waiting?.()
    this.#finishSending()
  }

  /** The peer neither reads nor writes any more. */
  #closedBy(code: number, reason: string): void {
    this.#endedBy({ code: codeOf(code), reason: reason === "" ? undefined : reason })
    this.#dropQueue()
    if (this.#isSendOver || this.#isWriting) {
      this.#ending ??= { frame: FINISH_FRAME, isClose: false }
      return
    }
    this.#isSendOver = true
    this.#options.stream.send.finish()
    this.#settle()
  }

  #consumed(bytes: number): void {
    this.#unannounced += bytes
    if (this.#end !== undefined || this.#unannounced < this.#window / 2) return
    const left = this.#granted - this.#received
    // The reader keeps up, and the peer has used most of what it had: it gets more at a time.
    if (left <= this.#window / 2 && this.#window * 2 <= MAX_WINDOW && this.#options.pool.take(this.#window)) {
      this.#unannounced += this.#window
      this.#window *= 2
    }
    this.#granted += this.#unannounced
    this.#creditDue += this.#unannounced
    this.#unannounced = 0
    this.#pump()
  }
}

/** Codes that a program may see; others are 1006, "abnormal". */
const codeOf = (code: number | undefined): number =>
  code !== undefined && code >= 1_000 && code <= 4_999 ? code : 1_006
