/**
 * One peer stream after its opening: bytes in frames, with flow control of our own, half-close, close and reset. QUIC's flow control does
 * not do: the binding cannot cancel a write that QUIC holds, nor set a window, nor tell how much waits. Here a write waits for credit
 * before it is given to the transport, and everything that arrives is read at once, so a reset is always seen and what a peer can make
 * us keep is the credit that we gave. Callbacks and plain data; `peerSocket.ts` makes a Socket of it.
 */
import type { Timer, Timers } from "@topic-tracker/common"
import type { BiStream } from "@topic-tracker/gossip"
import type { ByteRate } from "./ByteRate.ts"
import { codeOf, ReceivingHalf, type StreamEnd } from "./ReceivingHalf.ts"
import { SendingHalf } from "./SendingHalf.ts"
import type { SlicePolicy } from "./SlicePolicy.ts"
import type { WindowPool } from "./WindowPool.ts"
import { encodeClose } from "./wire.ts"

export type { StreamEnd } from "./ReceivingHalf.ts"

const ABNORMAL: StreamEnd = { code: 1_006, reason: undefined }

/** A stream whose peer does not let it end in this time costs the peer its connection. */
const STUCK_MS = 10_000

/** Options of {@link FramedStream}. */
export interface FramedStreamOptions {
  readonly stream: BiStream
  readonly timers: Timers
  readonly pool: WindowPool
  readonly rate: ByteRate
  readonly slices: SlicePolicy
  /** Both directions are over. Runs once. */
  readonly over: () => void
  /** The peer broke the protocol, or does not let the stream end: its connection is to be closed. */
  readonly violated: () => void
}

export class FramedStream {
  readonly #options: FramedStreamOptions
  readonly #sending: SendingHalf
  readonly #receiving: ReceivingHalf
  #isReadOver = false
  #isOver = false
  #stuck: Timer | undefined
  /** Reads on at the end of the rest that bulk keeps now. */
  #rest: Timer | undefined

  constructor(options: FramedStreamOptions) {
    this.#options = options
    this.#sending = new SendingHalf({
      send: options.stream.send,
      timers: options.timers,
      slices: options.slices,
      takeCredit: () => this.#receiving.takeCredit(),
      isPeerDone: () => this.#receiving.end !== undefined,
      over: () => this.#settle(),
    })
    this.#receiving = new ReceivingHalf({
      timers: options.timers,
      pool: options.pool,
      rate: options.rate,
      creditDue: () => this.#sending.pump(),
      credit: (bytes) => this.#sending.addCredit(bytes),
      ended: (isClosed) => {
        this.#sending.finishIfDone()
        if (isClosed) this.#sending.peerClosed()
      },
    })
  }

  /** Begins to read. `first`: bytes that came with the answer. Call it once. */
  start(first?: Uint8Array): void {
    if (first === undefined || first.length === 0 || this.#arrived(first)) this.#read()
  }

  /** Whether bytes of writes wait to be sent. */
  get hasUnsent(): boolean {
    return this.#sending.hasUnsent
  }

  /**
   * Writes bytes, which the stream owns from then on. `done(true)`: they were given to the transport. Returns a function that takes the
   * write back if none of it was sent.
   */
  write(bytes: Uint8Array, done: (isAlive: boolean) => void): () => void {
    return this.#sending.write(bytes, done)
  }

  /** The next bytes, at least one; or the end, again and again. One call at a time; the function takes it back. */
  read(done: (next: ReadonlyArray<Uint8Array> | StreamEnd) => void): () => void {
    return this.#receiving.read(done)
  }

  /** Half-close, after everything that was written. Reading goes on. */
  finish(): void {
    this.#sending.finish()
  }

  /**
   * Ends both directions after everything that was written: the peer's reader gets the code. Bytes that it still sends are dropped. `end`: what our
   * reader gets.
   */
  close(code: number, reason?: string, end: StreamEnd = ABNORMAL): void {
    if (this.#isOver || this.#receiving.isDeaf) return
    this.#watch()
    if (!this.#sending.isOver && !(this.#sending.isEndSent && this.#isReadOver)) {
      this.#sending.close(encodeClose(code, reason))
    }
    this.#receiving.hearNothing(end)
    this.endRest()
  }

  /** Ends both directions at once: the peer's reader gets the code, ours `end`. */
  reset(code: number, end: StreamEnd = ABNORMAL): void {
    if (this.#isOver) return
    // Before the reader learns of it: it may end the stream in its own way then.
    this.#sending.cut(code)
    this.#watch()
    this.#receiving.hearNothing(end)
    this.endRest()
  }

  /** Reads on at once: there may be an end to be seen, which is no bulk. */
  endRest(): void {
    if (this.#rest === undefined) return
    this.#options.timers.cancel(this.#rest)
    this.#rest = undefined
    this.#read()
  }

  /** From now on the peer has a limited time to end its direction. */
  #watch(): void {
    if (this.#isOver) return
    this.#stuck ??= this.#options.timers.schedule(STUCK_MS, () => {
      if (!this.#isOver) this.#options.violated()
    })
  }

  #settle(): void {
    if (this.#isOver || !this.#sending.isOver || !this.#isReadOver) return
    this.#isOver = true
    if (this.#stuck !== undefined) this.#options.timers.cancel(this.#stuck)
    this.#receiving.close()
    this.#options.over()
  }

  /** There is always one read under way, except while bulk rests. */
  #read(): void {
    const { slices } = this.#options
    let isInCall = true
    let again = true
    while (again) {
      again = false
      isInCall = true
      this.#options.stream.receive.read((bytes, resetCode) => {
        if (bytes === undefined) this.#readOver(resetCode)
        else if (this.#arrived(bytes)) {
          slices.worked(bytes.length)
          const restMs = slices.restMs(bytes.length)
          if (restMs > 0) this.#restFor(restMs)
          else if (isInCall) again = true
          else this.#read()
        }
      }, slices.bytes())
      isInCall = false
    }
  }

  #restFor(ms: number): void {
    this.#rest = this.#options.timers.schedule(ms, () => {
      this.#rest = undefined
      this.#read()
    })
  }

  #readOver(resetCode: number | undefined): void {
    this.#isReadOver = true
    const { end, isBetweenFrames } = this.#receiving
    if (end === undefined || resetCode !== undefined || !isBetweenFrames) {
      // A reset drops what was not read yet.
      this.#sending.cut(resetCode ?? 1006)
      this.#receiving.cut({ code: codeOf(resetCode), reason: undefined })
    } else if (!this.#sending.isEndSent) this.#sending.cut(1006)
    this.#settle()
  }

  /** Returns false if the stream is not to be read any more. */
  #arrived(bytes: Uint8Array): boolean {
    if (this.#receiving.arrived(bytes)) return true
    this.#isReadOver = true
    this.reset(1002)
    this.#options.violated()
    return false
  }
}
