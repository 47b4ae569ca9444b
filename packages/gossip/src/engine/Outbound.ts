/**
 * What waits to be sent to one peer on one topic, and the stream that it goes out on. While a write is under way messages
 * gather; the next write takes all of them. It outlives connections: before there is one, messages wait for the dial;
 * when a newer one takes over, a new stream begins there.
 */

import type { Timer } from "@topic-tracker/common"
import type { TopicId } from "@topic-tracker/crypto"
import type { SendStream } from "../transport/Transport.ts"
import type { Engine } from "./Engine.ts"
import type { Link, Peer } from "./Peer.ts"

/**
 * From how many bytes on a write takes no further message. What is still to be converted for iroh's binding keeps what has been
 * from the peer: with 64 KB in one write sender and receiver took turns at converting, with these they do it side by side.
 */
const maxWriteBytes = 12_288

/**
 * A queue of so many bytes goes out in two halves: the second is converted while the first is on its way and is being read, instead
 * of each end waiting for the other.
 */
const isHalved = (bytes: number): boolean => bytes >= 4_096 && bytes <= 8_192

/** A queue of so many times what makes its topic congested is overfull. */
const overfull = 4

export class Outbound {
  readonly topic: TopicId
  readonly peer: Peer
  private readonly engine: Engine
  /** The queue of the same topic that ends with a Disconnect and must be gone first. */
  private readonly predecessor: Outbound | undefined
  private messages: Array<Uint8Array> = []
  private queued = 0
  private stream: SendStream | undefined
  private link: Link | undefined
  private busy = false
  private last = false
  private over = false
  private dirty = false
  private congested = false
  private whenOver: Array<() => void> = []
  /** Grows with everything the transport takes: how a stall is told from slowness. */
  private progress = 0
  private stallTimer: Timer | undefined

  constructor(engine: Engine, peer: Peer, topic: TopicId, predecessor: Outbound | undefined) {
    this.engine = engine
    this.peer = peer
    this.topic = topic
    this.predecessor = predecessor?.over === false ? predecessor : undefined
    this.predecessor?.onceOver(() => this.flush())
  }

  /** Queues an encoded message; it goes out when the engine's turn ends. */
  push(message: Uint8Array): void {
    this.messages.push(message)
    this.queued += message.length
    this.markDirty()
    if (!this.congested && this.queued > this.engine.options.sendQueueBytes) {
      this.congested = true
      this.engine.congested(this)
      this.watchForStall()
    }
  }

  /** Nothing comes after what is queued: the stream ends with it. */
  end(): void {
    this.last = true
    this.markDirty()
  }

  /** Gives up what is queued. */
  drop(): void {
    if (this.over) return
    this.messages = []
    this.queued = 0
    this.finished()
  }

  /** Whether everything has been handed to the transport, or given up. */
  get isOver(): boolean {
    return this.over
  }

  /** Whether it must not grow any further. */
  get isOverfull(): boolean {
    return this.queued > overfull * this.engine.options.sendQueueBytes
  }

  onceOver(run: () => void): void {
    if (this.over) run()
    else this.whenOver.push(run)
  }

  /** Hands to the transport what it will take. Safe to call at any time. */
  flush(): void {
    this.dirty = false
    if (this.busy || this.over || this.predecessor?.over === false) return
    const link = this.peer.link
    if (link === undefined) return
    if (this.messages.length === 0) {
      if (this.last) this.finished()
      return
    }
    if (this.link === link && this.stream !== undefined) this.write(this.stream, false)
    else this.open(link)
  }

  private open(link: Link): void {
    this.stream?.finish()
    this.stream = undefined
    this.link = link
    this.busy = true
    link.connection.openStream((stream) => {
      this.busy = false
      this.stream = stream
      // Without a stream the connection is gone, and its end, which is told apart, decides what becomes of the queue.
      if (this.over) stream?.finish()
      else if (stream !== undefined) this.write(stream, true)
      else if (link.isClosed) this.flush()
    })
  }

  private write(stream: SendStream, withHeader: boolean): void {
    const encoder = this.engine.encoder
    if (withHeader) encoder.header(this.topic)
    const most = isHalved(this.queued) ? this.queued / 2 : maxWriteBytes
    let count = 0
    while (count < this.messages.length && encoder.size < most) {
      const message = this.messages[count++]!
      this.queued -= message.length
      encoder.encoded(message)
    }
    if (count === this.messages.length) this.messages = []
    else this.messages.splice(0, count)
    const bytes = encoder.take()
    const { counters } = this.engine
    counters.messagesOut += count
    counters.bytesOut += bytes.length
    counters.writes++
    this.busy = true
    stream.write(bytes, (alive) => {
      this.busy = false
      this.progress += count
      if (this.over) stream.finish()
      else if (alive) {
        if (this.congested && this.queued < this.engine.options.sendQueueBytes / 2) this.relieved()
        this.flush()
      } else this.streamDied(stream)
    })
  }

  /** The peer reads this stream no more, or the connection is gone, which we are then told. */
  private streamDied(stream: SendStream): void {
    if (this.stream === stream) this.stream = undefined
    if (this.over || this.link === undefined) return
    if (this.link.isClosed) {
      // The connection that took over was told while this write was under way.
      this.flush()
      return
    }
    this.engine.counters.unsendable += this.messages.length
    this.messages = []
    this.queued = 0
    this.relieved()
    if (this.last) this.finished()
  }

  private finished(): void {
    this.over = true
    this.relieved()
    if (!this.busy) this.stream?.finish()
    const whenOver = this.whenOver
    this.whenOver = []
    for (const run of whenOver) run()
  }

  private relieved(): void {
    if (!this.congested) return
    this.congested = false
    if (this.stallTimer !== undefined) this.engine.timers.cancel(this.stallTimer)
    this.engine.relieved(this)
  }

  /** A peer that takes nothing for so long while so much waits for it is given up, or it would hold the topic for ever. */
  private watchForStall(): void {
    const taken = this.progress
    this.stallTimer = this.engine.timers.schedule(this.engine.options.stallTimeoutMs, () => {
      if (this.progress > taken) this.watchForStall()
      else {
        this.engine.counters.stalls++
        this.peer.closeAll()
      }
    })
  }

  private markDirty(): void {
    if (this.dirty) return
    this.dirty = true
    this.engine.willFlush(this)
  }
}
