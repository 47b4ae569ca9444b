/**
 * Connections of the network in memory: two ends that know each other, with streams (`Pipe`) between them. They know of the network only that
 * it carries transmissions, and have no timers beyond those.
 */
import type { Timer, Timers } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"
import type { BiStream, Connection, ReceiveStream, SendStream, StreamLimits } from "../Transport.ts"
import { Delivery, DeliveryLine, type DeliverySender } from "./Delivery.ts"
import { LossRecovery, type RecoveryLink, type RecoveryTimes } from "./LossRecovery.ts"
import { CONTROL_BYTES, Pipe, type PipeWriter } from "./Pipe.ts"

/** Two-way streams that the other end may have open at first, as in QUIC. */
const FIRST_BI_STREAMS = 100

const CLOSED_BY_US = "closed by us"

/** The network as a connection sees it. */
export interface MemoryCarrier {
  readonly timers: Timers
  readonly idleTimeoutMs: number
  readonly streamWindowBytes: number
  /** The network of a host, as the endpoints that it dials see it. */
  readonly networkOf: (endpoint: EndpointId.EndpointId) => string | undefined
  /** Carries one transmission: `arrived` runs when it arrives, or `lost` if it does not get through before the deadline. */
  readonly carry: (
    from: EndpointId.EndpointId,
    to: EndpointId.EndpointId,
    deadline: number,
    arrived: () => void,
    lost: () => void,
    options: { readonly bytes?: number | undefined },
  ) => void
  /** One transmission that is not repeated: its delay in ms, or undefined if it is lost. */
  readonly transmit: (from: EndpointId.EndpointId, to: EndpointId.EndpointId, bytes: number) => number | undefined
  /** The times of a connection's loss recovery; undefined if each lost transmission is repeated alone. */
  readonly recoveryTimes: ((from: EndpointId.EndpointId, to: EndpointId.EndpointId) => RecoveryTimes) | undefined
}

/** The endpoint that an end of a connection belongs to. */
export interface MemoryOwner {
  readonly id: EndpointId.EndpointId
  readonly connections: Set<MemoryConnection>
}

export class MemoryConnection implements Connection, PipeWriter, RecoveryLink, DeliverySender {
  readonly remoteId: EndpointId.EndpointId
  readonly alpn: string
  remoteNetwork: string | undefined
  private readonly network: MemoryCarrier
  private readonly endpoint: MemoryOwner
  private other!: MemoryConnection
  /** Shared by both ends. */
  private readonly line: { heardAt: number }
  private readonly incoming: Array<Pipe> = []
  private accepting: ((stream: ReceiveStream | undefined) => void) | undefined
  private closedListener: ((reason: string) => void) | undefined
  private readonly incomingBi: Array<BiStream> = []
  private acceptingBi: ((stream: BiStream | undefined) => void) | undefined
  /** Two-way streams of ours that the other end allows, those that are open, and those that wait to be opened. */
  private allowedBi = FIRST_BI_STREAMS
  private openBiCount = 0
  private readonly waitingBi: Array<(stream: BiStream | undefined) => void> = []
  private readonly pipes = new Set<Pipe>()
  private givingUp: Timer | undefined
  /** What we sent and has not taken effect at the other end, in the order of sending. */
  private readonly inTransit = new DeliveryLine()
  /** Streams of each kind whose first bytes are on their way: the other end gets them in the order of their opening. */
  readonly unannounced = { uni: [] as Array<Pipe>, bi: [] as Array<Pipe> }
  private readonly recovery: LossRecovery | undefined
  private isClosed = false

  private constructor(
    network: MemoryCarrier,
    endpoint: MemoryOwner,
    remoteId: EndpointId.EndpointId,
    alpn: string,
    line: { heardAt: number },
  ) {
    this.alpn = alpn
    this.network = network
    this.endpoint = endpoint
    this.remoteId = remoteId
    this.line = line
    this.recovery = network.recoveryTimes === undefined ? undefined : new LossRecovery(this)
    endpoint.connections.add(this)
  }

  /** The two ends of a new connection. */
  static pair(
    network: MemoryCarrier,
    from: MemoryOwner,
    to: MemoryOwner,
    alpn: string,
  ): [from: MemoryConnection, to: MemoryConnection] {
    const line = { heardAt: network.timers.now() }
    const ours = new MemoryConnection(network, from, to.id, alpn, line)
    const theirs = new MemoryConnection(network, to, from.id, alpn, line)
    ours.other = theirs
    theirs.other = ours
    theirs.remoteNetwork = network.networkOf(from.id)
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

  openBi(done: (stream: BiStream | undefined) => void): void {
    if (this.isClosed) {
      done(undefined)
    } else if (this.openBiCount >= this.allowedBi) {
      this.waitingBi.push(done)
    } else {
      this.openBiCount++
      done(this.makeBi())
    }
  }

  acceptBi(done: (stream: BiStream | undefined) => void): void {
    const stream = this.incomingBi.shift()
    if (stream !== undefined || this.isClosed) done(stream)
    else this.acceptingBi = done
  }

  /** Only the number of two-way streams is limited here. */
  limitStreams({ bi }: StreamLimits): void {
    if (bi === undefined) return
    this.other.allowedBi = bi
    this.other.openWaitingBi()
  }

  private makeBi(): BiStream {
    let openDirections = 2
    const onOver = (): void => {
      if (--openDirections > 0) return
      this.openBiCount--
      this.openWaitingBi()
    }
    const back = new Pipe(this.other, { announce: undefined, onOver })
    const announce = (): void => {
      this.announceBi(forth, back)
    }
    const forth = new Pipe(this, { announce, onOver })
    // We read it, so that it ends with our end of the connection.
    this.pipes.add(back)
    return { send: forth, receive: back }
  }

  private openWaitingBi(): void {
    while (this.openBiCount < this.allowedBi) {
      const done = this.waitingBi.shift()
      if (done === undefined) return
      this.openBiCount++
      this.network.timers.runSoon(() => done(this.isClosed ? undefined : this.makeBi()))
    }
  }

  private announceBi(forth: Pipe, back: Pipe): void {
    const other = this.other
    if (other.isClosed) return
    other.pipes.add(forth)
    const stream = { send: back, receive: forth }
    const accepting = other.acceptingBi
    other.acceptingBi = undefined
    if (accepting === undefined) other.incomingBi.push(stream)
    else accepting(stream)
  }

  onClosed(listener: (reason: string) => void): void {
    this.closedListener = listener
  }

  /** Our end closes at once, the other end after everything that was sent before has arrived. */
  close(): void {
    if (this.isClosed) return
    this.end(CLOSED_BY_US)
    this.transmit(
      () => this.other.end("closed by peer"),
      CONTROL_BYTES,
      undefined,
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

  /**
   * Sends something to the other end. Its effect runs there after the effects of what was sent before in the same stream; without a stream,
   * after those of everything that was sent before. `lost`: what happens if it does not get through; by default both ends close.
   */
  transmit(effect: () => void, bytes: number, stream: DeliveryLine | undefined, lost?: () => void): void {
    const { idleTimeoutMs, timers } = this.network
    const now = timers.now()
    const delivery = new Delivery(this, bytes, now, effect, stream)
    this.inTransit.add(delivery)
    stream?.add(delivery)
    if (this.recovery !== undefined) {
      this.recovery.send(delivery)
      return
    }
    const arrived = (): void => delivery.arrived()
    const gaveUp = lost ?? ((): void => this.gaveUp())
    this.network.carry(this.endpoint.id, this.remoteId, now + idleTimeoutMs, arrived, gaveUp, { bytes })
  }

  delivered({ stream }: Delivery): void {
    this.line.heardAt = this.network.timers.now()
    if (stream !== undefined) {
      for (let next = stream.takeArrived(); next !== undefined; next = stream.takeArrived()) next.effect()
    }
    // The first one here was first in its stream, too: it has taken effect.
    for (let next = this.inTransit.takeArrived(); next !== undefined; next = this.inTransit.takeArrived()) {
      if (next.stream === undefined) next.effect()
    }
  }

  // The loss recovery's link to the network.

  get timers(): Timers {
    return this.network.timers
  }

  times(): RecoveryTimes {
    return this.network.recoveryTimes!(this.endpoint.id, this.remoteId)
  }

  forth(bytes: number): number | undefined {
    return this.network.transmit(this.endpoint.id, this.remoteId, bytes)
  }

  back(bytes: number): number | undefined {
    return this.network.transmit(this.remoteId, this.endpoint.id, bytes)
  }

  givesUpAt(since: number): number {
    return Math.max(since, this.line.heardAt) + this.network.idleTimeoutMs
  }

  runSoon(run: () => void): void {
    this.network.timers.runSoon(run)
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
  gaveUp(): void {
    this.end("timed out")
    this.other.end("timed out")
  }

  private end(reason: string): void {
    if (this.isClosed) return
    this.isClosed = true
    if (reason !== CLOSED_BY_US) this.recovery?.close()
    this.endpoint.connections.delete(this)
    if (this.givingUp !== undefined) this.network.timers.cancel(this.givingUp)
    for (const pipe of [...this.pipes]) pipe.connectionEnded(this)
    this.pipes.clear()
    this.incoming.length = 0
    this.incomingBi.length = 0
    const waiting = [this.accepting, this.acceptingBi, ...this.waitingBi]
    this.accepting = undefined
    this.acceptingBi = undefined
    this.waitingBi.length = 0
    const listener = this.closedListener
    this.network.timers.runSoon(() => {
      for (const done of waiting) done?.(undefined)
      listener?.(reason)
    })
  }
}
