/**
 * Streams of the network in memory: each is one pipe, whose writing side belongs to one end of a connection and whose reading side to the other.
 * A pipe knows of its connection only what {@link PipeWriter} names.
 */
import { concat } from "@topic-tracker/common/Bytes"
import type { ReceiveStream, SendStream } from "../Transport.ts"
import { DeliveryLine } from "./Delivery.ts"

/** The size of a transmission that dials, ends a stream or closes: QUIC pads its first packets to 1,200 bytes (RFC 9000, 14.1). */
export const CONTROL_BYTES = 1_200

/** The end of a connection that writes a pipe. */
export interface PipeWriter {
  /** Streams of each kind whose first bytes are on their way: the other end gets them in the order of their opening. */
  readonly unannounced: { readonly uni: Array<Pipe>; readonly bi: Array<Pipe> }
  readonly closed: boolean
  /** The bytes of a stream that may be in transit or unread. */
  readonly windowBytes: number
  /** Sends something to the other end: see `MemoryConnection`. */
  readonly transmit: (effect: () => void, bytes: number, stream: DeliveryLine) => void
  readonly runSoon: (run: () => void) => void
  /** The pipe becomes visible at the other end. */
  readonly announce: (pipe: Pipe) => void
  readonly addPipe: (pipe: Pipe) => void
  /** Neither end needs the pipe any more. */
  readonly removePipe: (pipe: Pipe) => void
}

/** The parts of a pipe that is one direction of a two-way stream. */
export interface PipeHooks {
  /** The first bytes or the end have arrived at the reading side. Undefined: that side has opened the stream. */
  readonly announce: (() => void) | undefined
  /** The direction is over for both sides, while the connection is up. */
  readonly onOver: () => void
}

/** A stream: its writing side belongs to one end of the connection, its reading side to the other. */
export class Pipe implements SendStream, ReceiveStream {
  private readonly writer: PipeWriter
  private readonly hooks: PipeHooks | undefined
  private readonly onTheWay = new DeliveryLine()
  /** The first bytes were sent. */
  private isExpected = false
  private announced = false
  private readonly arrived: Array<Uint8Array> = []
  /** Bytes that were written and that the reader has not taken yet. */
  private outstanding = 0
  private reading: ((bytes: Uint8Array | undefined, resetCode?: number) => void) | undefined
  private writing: ((alive: boolean) => void) | undefined
  /** The end of the stream has arrived; the reader sees it after the bytes in `arrived`. */
  private ended = false
  /** The writer reset the stream. */
  private resetCode: number | undefined
  /** The reader called `stop`. */
  private stopped = false
  private stopCode = 0
  private stoppedListener: ((code: number) => void) | undefined
  private finished = false
  private isOver = false

  constructor(writer: PipeWriter, hooks?: PipeHooks) {
    this.writer = writer
    this.hooks = hooks
    writer.addPipe(this)
  }

  write(body: Uint8Array, done: (alive: boolean) => void, head?: Uint8Array): void {
    const bytes = head === undefined ? body : concat(head, body)
    if (this.writer.closed || this.stopped || this.finished) {
      done(false)
      return
    }
    this.outstanding += bytes.length
    this.expectAnnouncement()
    this.writer.transmit(() => this.arrive(bytes), bytes.length, this.onTheWay)
    if (this.outstanding <= this.writer.windowBytes) done(true)
    else this.writing = done
  }

  finish(): void {
    this.sendEnd(undefined)
  }

  reset(code: number): void {
    this.sendEnd(code)
    this.settleWrite(false)
  }

  onStopped(listener: (code: number) => void): void {
    if (this.stopped) this.writer.runSoon(() => listener(this.stopCode))
    else this.stoppedListener = listener
  }

  read(done: (bytes: Uint8Array | undefined, resetCode?: number) => void): void {
    const bytes = this.arrived.shift()
    if (bytes !== undefined) {
      this.taken(bytes.length)
      done(bytes)
    } else if (this.ended || this.stopped) this.readEnd(done)
    else this.reading = done
  }

  stop(code = 0): void {
    if (this.stopped) return
    this.stopped = true
    this.stopCode = code
    this.arrived.length = 0
    const listener = this.stoppedListener
    if (listener !== undefined && !this.ended) this.writer.runSoon(() => listener(code))
    this.over()
    this.settleWrite(false)
  }

  connectionEnded(side: PipeWriter): void {
    if (side === this.writer) this.settleWrite(false)
    else {
      this.ended = true
      this.settleRead()
    }
  }

  /** A stream that is reset after it was finished has ended already. */
  private sendEnd(resetCode: number | undefined): void {
    if (this.finished) return
    this.finished = true
    if (this.hooks !== undefined) this.expectAnnouncement()
    this.writer.transmit(() => this.arriveEnd(resetCode), CONTROL_BYTES, this.onTheWay)
  }

  private arrive(bytes: Uint8Array): void {
    if (this.stopped || this.ended) return
    this.announce()
    const reading = this.reading
    if (reading === undefined) {
      this.arrived.push(bytes)
      return
    }
    this.give(reading, bytes)
  }

  private get opened(): Array<Pipe> {
    return this.hooks === undefined ? this.writer.unannounced.uni : this.writer.unannounced.bi
  }

  private expectAnnouncement(): void {
    if (this.isExpected || (this.hooks !== undefined && this.hooks.announce === undefined)) return
    this.isExpected = true
    this.opened.push(this)
  }

  /** A stream that arrives opens those of its kind that were opened before (RFC 9000, 3.2). */
  private announce(): void {
    while (!this.announced && this.isExpected) this.opened.shift()!.announceNow()
  }

  private announceNow(): void {
    this.announced = true
    if (this.hooks === undefined) this.writer.announce(this)
    else this.hooks.announce?.()
  }

  private arriveEnd(resetCode: number | undefined): void {
    if (this.hooks !== undefined) this.announce()
    this.ended = true
    if (resetCode !== undefined) {
      this.resetCode = resetCode
      this.arrived.length = 0
    }
    this.over()
    this.settleRead()
  }

  private over(): void {
    this.writer.removePipe(this)
    if (!this.isOver) this.hooks?.onOver()
    this.isOver = true
  }

  private settleRead(): void {
    const reading = this.reading
    if (reading === undefined) return
    const bytes = this.arrived.shift()
    if (bytes === undefined && !this.ended) return
    if (bytes === undefined) {
      this.reading = undefined
      this.readEnd(reading)
    } else this.give(reading, bytes)
  }

  /** Completes the read. */
  private give(reading: (bytes: Uint8Array) => void, bytes: Uint8Array): void {
    this.reading = undefined
    this.taken(bytes.length)
    reading(bytes)
  }

  private readEnd(done: (bytes: Uint8Array | undefined, resetCode?: number) => void): void {
    if (this.resetCode === undefined) done(undefined)
    else done(undefined, this.resetCode)
  }

  private settleWrite(alive: boolean): void {
    const writing = this.writing
    this.writing = undefined
    writing?.(alive)
  }

  private taken(bytes: number): void {
    this.outstanding -= bytes
    if (this.writing !== undefined && this.outstanding <= this.writer.windowBytes) this.settleWrite(!this.writer.closed)
  }
}
