/**
 * The half of a peer stream that receives: reads frames, keeps bytes for the reader within the credit that we gave, and gives more when the reader took
 * them, as fast as the rate allows. Callbacks and plain data; it knows no transport.
 */
import type { Timer, Timers } from "@topic-tracker/common"
import type { ByteRate } from "./ByteRate.ts"
import type { WindowPool } from "./WindowPool.ts"
import { FIRST_WINDOW, FrameReader } from "./wire.ts"

/** The end of what the peer sends: codes as in a WebSocket's close event. */
export interface StreamEnd {
  readonly code: number
  readonly reason: string | undefined
}

/** The largest window of a stream, below QUIC's own of 1.25 MB. */
const MAX_WINDOW = 1_048_576

/** After so many chunks that wait to be read, those shorter than this are put together. */
const MANY_CHUNKS = 16
const SHORT_BYTES = 1_024

/** Options of {@link ReceivingHalf}. */
export interface ReceivingHalfOptions {
  readonly timers: Timers
  readonly pool: WindowPool
  readonly rate: ByteRate
  /** There is credit to be sent. */
  readonly creditDue: () => void
  /** The peer gave credit. */
  readonly credit: (bytes: number) => void
  /** The peer sends no more. `isClosed`: it does not read either. */
  readonly ended: (isClosed: boolean) => void
}

export class ReceivingHalf {
  readonly #options: ReceivingHalfOptions
  readonly #frames = new FrameReader()
  #chunks: Array<Uint8Array> = []
  /** The buffer that the last chunk is a part of, if it takes more. */
  #tail: { readonly bytes: Uint8Array; used: number } | undefined
  #received = 0
  #granted = FIRST_WINDOW
  #window = FIRST_WINDOW
  /** Bytes that were read, for which there is no new credit yet. */
  #unannounced = 0
  #creditDue = 0
  /** Credit that the rate does not allow yet. */
  #delayed: { readonly bytes: number; readonly timer: Timer } | undefined
  #end: StreamEnd | undefined
  #waiting: (() => void) | undefined
  /** We closed: bytes that arrive are dropped. */
  #isDeaf = false

  constructor(options: ReceivingHalfOptions) {
    this.#options = options
    options.rate.take(FIRST_WINDOW, options.timers.now())
  }

  get end(): StreamEnd | undefined {
    return this.#end
  }

  get isDeaf(): boolean {
    return this.#isDeaf
  }

  get isBetweenFrames(): boolean {
    return this.#frames.isBetweenFrames
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

  /** Drops what was not read, and what still comes. */
  hearNothing(end: StreamEnd): void {
    this.#isDeaf = true
    this.cut(end)
  }

  /** Ends, and drops what was not read. */
  cut(end: StreamEnd): void {
    this.#chunks = []
    this.#end ??= end
    this.#waiting?.()
  }

  /** The credit that the peer is to get now; it counts as given. */
  takeCredit(): number {
    if (this.#isDeaf) return 0
    const due = this.#creditDue
    this.#creditDue = 0
    return due
  }

  /** Takes bytes of the transport. Returns false if the peer broke the protocol. */
  arrived(bytes: Uint8Array): boolean {
    const { credit, ended } = this.#options
    const isRight = this.#frames.push(bytes, {
      data: (part) => {
        this.#received += part.length
        if (this.#isDeaf || this.#end !== undefined) return
        this.#keep(part, bytes.length)
      },
      credit,
      finish: () => {
        if (this.#end !== undefined) return
        this.#endBy({ code: 1000, reason: undefined })
        ended(false)
      },
      close: (code, reason) => {
        this.#endBy({ code: codeOf(code), reason: reason === "" ? undefined : reason })
        ended(true)
      },
    })
    if (!isRight || this.#received > this.#granted) return false
    if (this.#chunks.length > 0) this.#waiting?.()
    return true
  }

  /** The stream is over: gives back what it took of pool and rate. */
  close(): void {
    const { pool, rate, timers } = this.#options
    pool.give(this.#window - FIRST_WINDOW)
    rate.give(Math.max(0, this.#granted - this.#received) + (this.#delayed?.bytes ?? 0))
    if (this.#delayed !== undefined) timers.cancel(this.#delayed.timer)
    this.#delayed = undefined
  }

  #endBy(end: StreamEnd): void {
    this.#end = end
    this.#waiting?.()
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

  #consumed(bytes: number): void {
    this.#unannounced += bytes
    if (this.#delayed !== undefined || this.#end !== undefined || this.#unannounced < this.#window / 2) return
    const { pool, rate, timers } = this.#options
    const left = this.#granted - this.#received
    const isFree = rate.waitMs(timers.now()) === 0
    // The reader keeps up, and the peer has used most of what it had: it gets more at a time.
    if (isFree && left <= this.#window / 2 && this.#window * 2 <= MAX_WINDOW && pool.take(this.#window)) {
      this.#unannounced += this.#window
      this.#window *= 2
    }
    const grant = this.#unannounced
    this.#unannounced = 0
    const waitMs = rate.take(grant, timers.now())
    if (waitMs === 0) {
      this.#grant(grant)
      return
    }
    const timer = timers.schedule(waitMs, () => {
      this.#delayed = undefined
      this.#grant(grant)
      this.#consumed(0)
    })
    this.#delayed = { bytes: grant, timer }
  }

  #grant(bytes: number): void {
    this.#granted += bytes
    this.#creditDue += bytes
    this.#options.creditDue()
  }
}

/** Codes that a program may see; others are 1006, "abnormal". */
export const codeOf = (code: number | undefined): number =>
  code !== undefined && code >= 1_000 && code <= 4_999 ? code : 1_006
