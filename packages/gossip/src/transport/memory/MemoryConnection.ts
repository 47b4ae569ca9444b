/**
 * Connections and streams of the network in memory. A connection is two ends that know each other; a stream is one pipe with a writing
 * and a reading side. They know of the network only that it carries transmissions, and have no timers beyond those.
 */

import type { Timer, Timers } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"
import type { Connection, ReceiveStream, SendStream } from "../Transport.ts"

/** The network as a connection sees it. */
export interface MemoryCarrier {
  readonly timers: Timers
  readonly idleTimeoutMs: number
  readonly streamWindowBytes: number
  /** Carries one transmission: `arrived` runs when it arrives, or `lost` if it does not get through before the deadline. */
  readonly carry: (
    from: EndpointId.EndpointId,
    to: EndpointId.EndpointId,
    deadline: number,
    arrived: () => void,
    lost: () => void,
    options: { readonly bytes?: number | undefined },
  ) => void
}

/** The endpoint that an end of a connection belongs to. */
export interface MemoryOwner {
  readonly id: EndpointId.EndpointId
  readonly connections: Set<MemoryConnection>
}

export class MemoryConnection implements Connection {
  readonly remoteId: EndpointId.EndpointId
  private readonly network: MemoryCarrier
  private readonly endpoint: MemoryOwner
  private other!: MemoryConnection
  /** Shared by both ends. */
  private readonly line: { heardAt: number }
  private readonly incoming: Array<Pipe> = []
  private accepting: ((stream: ReceiveStream | undefined) => void) | undefined
  private closedListener: ((reason: string) => void) | undefined
  private readonly pipes = new Set<Pipe>()
  private givingUp: Timer | undefined
  private readonly inTransit: Array<{ readonly effect: () => void; isThere: boolean }> = []
  private isClosed = false

  private constructor(
    network: MemoryCarrier,
    endpoint: MemoryOwner,
    remoteId: EndpointId.EndpointId,
    line: { heardAt: number },
  ) {
    this.network = network
    this.endpoint = endpoint
    this.remoteId = remoteId
    this.line = line
    endpoint.connections.add(this)
  }

  /** The two ends of a new connection. */
  static pair(
    network: MemoryCarrier,
    from: MemoryOwner,
    to: MemoryOwner,
  ): [from: MemoryConnection, to: MemoryConnection] {
    const line = { heardAt: network.timers.now() }
    const ours = new MemoryConnection(network, from, to.id, line)
    const theirs = new MemoryConnection(network, to, from.id, line)
    ours.other = theirs
    theirs.other = ours
    return [ours, theirs]
  }

  openStream(done: (stream: SendStream | undefined) => void): void {
    done(this.isClosed ? undefined : new Pipe(this))
  }

  acceptStream(done: (stream: ReceiveStream | undefined) => void): void {
    const pipe = this.incoming.shift()
    if (pipe !== undefined || this.isClosed) done(pipe)
    else this.accepting = done
  }

  limitStreams(): void {}

  onClosed(listener: (reason: string) => void): void {
    this.closedListener = listener
  }

  /** Our end closes at once, the other end after everything that was sent before has arrived. */
  close(): void {
    if (this.isClosed) return
    this.end("closed by us")
    this.transmit(
      () => this.other.end("closed by peer"),
      () => this.other.end("timed out"),
    )
  }

  /** Closes both ends after this time unless the condition holds then; the other end also if this end is closed before. */
  giveUpUnless(connected: () => boolean, afterMs: number): void {
    this.endUnless(connected, afterMs)
    this.other.endUnless(connected, afterMs)
  }

  private endUnless(connected: () => boolean, afterMs: number): void {
    if (this.givingUp !== undefined || this.isClosed) return
    this.givingUp = this.network.timers.schedule(afterMs, () => {
      this.givingUp = undefined
      if (!connected()) this.end("timed out")
    })
  }

  /** Sends something to the other end. Its effect runs there after the effects of everything that was sent before. */
  transmit(effect: () => void, lost: () => void, bytes?: number): void {
    const { idleTimeoutMs, timers } = this.network
    const delivery = { effect, isThere: false }
    this.inTransit.push(delivery)
    const arrived = (): void => {
      delivery.isThere = true
      this.line.heardAt = timers.now()
      while (this.inTransit[0]?.isThere === true) this.inTransit.shift()!.effect()
    }
    this.network.carry(this.endpoint.id, this.remoteId, timers.now() + idleTimeoutMs, arrived, lost, { bytes })
  }

  /** Our pipe becomes visible at the other end with its first bytes, as in QUIC. */
  announce(pipe: Pipe): void {
    const other = this.other
    if (other.isClosed) return
    other.pipes.add(pipe)
    const accepting = other.accepting
    other.accepting = undefined
    if (accepting === undefined) other.incoming.push(pipe)
    else accepting(pipe)
  }

  addPipe(pipe: Pipe): void {
    this.pipes.add(pipe)
  }

  /** Neither end needs the pipe any more. */
  removePipe(pipe: Pipe): void {
    this.pipes.delete(pipe)
    this.other.pipes.delete(pipe)
  }

  /** When a transmission last arrived in either direction (received packets are acknowledged). Without heartbeats. */
  get heardAt(): number {
    return this.line.heardAt
  }

  get windowBytes(): number {
    return this.network.streamWindowBytes
  }

  get closed(): boolean {
    return this.isClosed
  }

  /** Nothing gets through: both ends close. */
  giveUp(): void {
    this.end("timed out")
    this.other.end("timed out")
  }

  private end(reason: string): void {
    if (this.isClosed) return
    this.isClosed = true
    this.endpoint.connections.delete(this)
    if (this.givingUp !== undefined) this.network.timers.cancel(this.givingUp)
    for (const pipe of [...this.pipes]) pipe.connectionEnded(this)
    this.pipes.clear()
    this.incoming.length = 0
    const accepting = this.accepting
    this.accepting = undefined
    const listener = this.closedListener
    this.network.timers.runSoon(() => {
      accepting?.(undefined)
      listener?.(reason)
    })
  }
}

/** A stream: its writing side belongs to one end of the connection, its reading side to the other. */
class Pipe implements SendStream, ReceiveStream {
  private readonly writer: MemoryConnection
  private announced = false
  private readonly arrived: Array<Uint8Array> = []
  /** Bytes that were written and that the reader has not taken yet. */
  private outstanding = 0
  private reading: ((bytes: Uint8Array | undefined) => void) | undefined
  private writing: ((alive: boolean) => void) | undefined
  /** The end of the stream has arrived; the reader sees it after the bytes in `arrived`. */
  private ended = false
  /** The reader called `stop`. */
  private stopped = false
  private finished = false

  constructor(writer: MemoryConnection) {
    this.writer = writer
    writer.addPipe(this)
  }

  write(bytes: Uint8Array, done: (alive: boolean) => void): void {
    if (this.writer.closed || this.stopped || this.finished) {
      done(false)
      return
    }
    this.outstanding += bytes.length
    this.writer.transmit(
      () => this.arrive(bytes),
      () => this.writer.giveUp(),
      bytes.length,
    )
    if (this.outstanding <= this.writer.windowBytes) done(true)
    else this.writing = done
  }

  finish(): void {
    if (this.finished) return
    this.finished = true
    this.writer.transmit(
      () => this.arriveEnd(),
      () => this.writer.giveUp(),
    )
  }

  read(done: (bytes: Uint8Array | undefined) => void): void {
    const bytes = this.arrived.shift()
    if (bytes !== undefined) {
      this.taken(bytes.length)
      done(bytes)
    } else if (this.ended || this.stopped) done(undefined)
    else this.reading = done
  }

  stop(): void {
    if (this.stopped) return
    this.stopped = true
    this.arrived.length = 0
    this.writer.removePipe(this)
    this.settleWrite(false)
  }

  connectionEnded(side: MemoryConnection): void {
    if (side === this.writer) this.settleWrite(false)
    else {
      this.ended = true
      this.settleRead()
    }
  }

  private arrive(bytes: Uint8Array): void {
    if (this.stopped || this.ended) return
    if (!this.announced) {
      this.announced = true
      this.writer.announce(this)
    }
    this.arrived.push(bytes)
    this.settleRead()
  }

  private arriveEnd(): void {
    this.ended = true
    this.writer.removePipe(this)
    this.settleRead()
  }

  private settleRead(): void {
    const reading = this.reading
    if (reading === undefined) return
    const bytes = this.arrived.shift()
    if (bytes === undefined && !this.ended) return
    this.reading = undefined
    if (bytes !== undefined) this.taken(bytes.length)
    reading(bytes)
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
