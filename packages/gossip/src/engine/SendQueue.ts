/**
 * The messages that wait for one peer on one topic, and the stream that they go out on. While a write is in progress messages
 * gather; the next write takes all of them. The queue outlives connections: before there is one, messages wait for the dial; when a
 * newer connection takes over, a new stream begins there. It does not know what a message means.
 */
import type { Timer } from "@topic-tracker/common"
import type { EndpointId, TopicId } from "@topic-tracker/crypto"
import type { Connection, SendStream } from "../transport/Transport.ts"
import type { EngineContext } from "./context.ts"

/**
 * A write takes no further message once it has this many bytes. The bytes of a write are converted for iroh's binding before the peer
 * gets any of them: with writes of 64 KiB sender and receiver took turns at converting, with writes of this size they work in parallel.
 */
const MAX_WRITE_BYTES = 12_288

/**
 * A queue of a size in this range goes out in two halves: the second is converted while the first is on its way and is being read, so
 * neither end waits for the other.
 */
const MIN_HALVED_BYTES = 4_096
const MAX_HALVED_BYTES = 8_192

/** A queue of this many times `sendQueueBytes` is overfull. */
const OVERFULL_FACTOR = 4

/** A connection that a queue sends on. */
export interface SendLink {
  readonly connection: Connection
  readonly isClosed: boolean
}

/** The peer that a queue belongs to. */
export interface SendTarget {
  readonly id: EndpointId.EndpointId
  /** The connection to send on now; undefined while the dial is in progress. */
  readonly link: SendLink | undefined
  /** Closes all connections to the peer. */
  readonly closeAll: () => void
}

/** The reports of a queue to its owner. One object for all queues. */
export interface SendQueueHooks {
  /** The queue has more than `sendQueueBytes`. */
  readonly congested: (queue: SendQueue) => void
  /** A congested queue has less than half of that again, or was given up. */
  readonly relieved: (queue: SendQueue) => void
}

export class SendQueue {
  readonly topic: TopicId
  readonly target: SendTarget
  private readonly context: EngineContext
  private readonly hooks: SendQueueHooks
  /** The previous queue of the same topic. It ends with a Disconnect, which must go out first. */
  private readonly predecessor: SendQueue | undefined
  private messages: Array<Uint8Array> = []
  private queuedBytes = 0
  private stream: SendStream | undefined
  private link: SendLink | undefined
  private isBusy = false
  private hasEnded = false
  private hasFinished = false
  private awaitsFlush = false
  private isCongested = false
  private whenOver: Array<() => void> = []
  /** Grows with everything that the transport takes. A stalled queue is one for which it does not grow. */
  private taken = 0
  private stallTimer: Timer | undefined

  constructor(options: {
    readonly context: EngineContext
    readonly hooks: SendQueueHooks
    readonly target: SendTarget
    readonly topic: TopicId
    readonly predecessor: SendQueue | undefined
  }) {
    const { predecessor } = options
    this.context = options.context
    this.hooks = options.hooks
    this.target = options.target
    this.topic = options.topic
    this.predecessor = predecessor?.hasFinished === false ? predecessor : undefined
    this.predecessor?.onceOver(() => this.flush())
  }

  /** Queues an encoded message. It goes out when the engine's turn ends. */
  push(message: Uint8Array): void {
    this.messages.push(message)
    this.queuedBytes += message.length
    this.flushAtEnd()
    if (!this.isCongested && this.queuedBytes > this.context.options.sendQueueBytes) {
      this.isCongested = true
      this.hooks.congested(this)
      this.watchForStall()
    }
  }

  /** Ends the stream after the messages that are queued. */
  end(): void {
    this.hasEnded = true
    this.flushAtEnd()
  }

  /** Gives up the messages that are queued. */
  drop(): void {
    if (this.hasFinished) return
    this.messages = []
    this.queuedBytes = 0
    this.finished()
  }

  /** Whether the transport has taken everything, or the queue was given up. */
  get isOver(): boolean {
    return this.hasFinished
  }

  /** Whether the queue must not grow any further. */
  get isOverfull(): boolean {
    return this.queuedBytes > OVERFULL_FACTOR * this.context.options.sendQueueBytes
  }

  /** Runs `run` once the queue {@link isOver}; at once if it is over already. */
  onceOver(run: () => void): void {
    if (this.hasFinished) run()
    else this.whenOver.push(run)
  }

  /** Gives the transport as much as it takes. Safe to call at any time. */
  flush(): void {
    this.awaitsFlush = false
    if (this.isBusy || this.hasFinished || this.predecessor?.hasFinished === false) return
    const { link } = this.target
    if (link === undefined) return
    if (this.messages.length === 0) {
      if (this.hasEnded) this.finished()
      return
    }
    if (this.link === link && this.stream !== undefined) this.write(this.stream, false)
    else this.openStream(link)
  }

  private openStream(link: SendLink): void {
    this.stream?.finish()
    this.stream = undefined
    this.link = link
    this.isBusy = true
    link.connection.openStream((stream) => {
      this.isBusy = false
      if (this.hasFinished) {
        stream?.finish()
        return
      }
      this.stream = stream
      // No stream means that the connection is gone. Its end is reported separately and decides about the queue.
      if (stream !== undefined) this.write(stream, true)
      else if (link.isClosed) this.flush()
    })
  }

  private write(stream: SendStream, withHeader: boolean): void {
    const { counters, encoder } = this.context
    const { frames } = encoder
    if (withHeader) frames.header(this.topic)
    const isHalved = this.queuedBytes >= MIN_HALVED_BYTES && this.queuedBytes <= MAX_HALVED_BYTES
    const limit = isHalved ? this.queuedBytes / 2 : MAX_WRITE_BYTES
    let count = 0
    while (count < this.messages.length && frames.size < limit) {
      const message = this.messages[count++]!
      this.queuedBytes -= message.length
      frames.encoded(message)
    }
    if (count === this.messages.length) this.messages = []
    else this.messages.splice(0, count)
    const bytes = frames.take()
    counters.messagesOut += count
    counters.bytesOut += bytes.length
    counters.writes++
    this.isBusy = true
    stream.write(bytes, (isAlive) => {
      this.isBusy = false
      this.taken += count
      if (this.hasFinished) stream.finish()
      else if (isAlive) {
        if (this.isCongested && this.queuedBytes < this.context.options.sendQueueBytes / 2) this.relieved()
        this.flush()
      } else this.streamDied(stream)
    })
  }

  /** The peer stopped reading this stream, or the connection is gone; the latter is reported separately. */
  private streamDied(stream: SendStream): void {
    if (this.stream === stream) this.stream = undefined
    if (this.hasFinished || this.link === undefined) return
    if (this.link.isClosed) {
      // Another connection took over while this write was in progress.
      this.flush()
      return
    }
    this.context.counters.unsendable += this.messages.length
    this.messages = []
    this.queuedBytes = 0
    this.relieved()
    if (this.hasEnded) this.finished()
  }

  private finished(): void {
    this.hasFinished = true
    this.relieved()
    if (!this.isBusy) this.stream?.finish()
    // An object that keeps this queue must not keep native objects too.
    this.stream = undefined
    this.link = undefined
    const { whenOver } = this
    this.whenOver = []
    for (const run of whenOver) run()
  }

  private relieved(): void {
    if (!this.isCongested) return
    this.isCongested = false
    if (this.stallTimer !== undefined) this.context.timers.cancel(this.stallTimer)
    this.hooks.relieved(this)
  }

  /** Closes the connections to a peer that takes nothing from a congested queue. Otherwise the peer would stop the topic for ever. */
  private watchForStall(): void {
    const { counters, options, timers } = this.context
    const takenBefore = this.taken
    this.stallTimer = timers.schedule(options.stallTimeoutMs, () => {
      if (this.taken > takenBefore) this.watchForStall()
      else {
        counters.stalls++
        this.target.closeAll()
      }
    })
  }

  private flushAtEnd(): void {
    if (this.awaitsFlush) return
    this.awaitsFlush = true
    this.context.turn.flushAtEnd(this)
  }
}
