/**
 * The messages that wait for one peer on one topic, and the stream that they go out on. While a write is in progress messages
 * gather; the next write takes all of them. The queue outlives connections: before there is one, messages wait for the dial; when a
 * newer connection takes over, a new stream begins there. It tells payloads from other messages, because payloads may be withheld.
 *
 * A queue with more than `sendQueueBytes` is congested: the topic waits for it, but only for {@link GRACE_MS}. If it has not drained to
 * half by then it is slow: the topic goes on without it. It gets the ids of payloads instead of payloads, once it has drained, and if
 * it does not drain, its connections are closed.
 */
import type { Timer } from "@topic-tracker/common"
import type { EndpointId, TopicId } from "@topic-tracker/crypto"
import type { Gossip, IHave } from "../protocol/Message.ts"
import type { Connection, SendStream } from "../transport/Transport.ts"
import type { EngineContext } from "./context.ts"
import { WithheldPayloads } from "./WithheldPayloads.ts"

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

/**
 * A congested queue that has not drained to half after this time, in ms, is slow. With the default of `sendQueueBytes` a neighbour
 * that takes less than 512 KB/s of a flood is slow: a bulk transfer between fast neighbours waits for the slower one, and no neighbour
 * can hold a topic back to less than that.
 */
const GRACE_MS = 250

/** While all neighbours of a topic are slow, each gets this many times `stallTimeoutMs`: its subscriber may hold it back on purpose. */
const HELD_BACK_FACTOR = 6

/**
 * The time between two announcements of withheld payloads, in ms: longer than a neighbour waits before it grafts, and so long that its
 * Grafts stay within the bytes that PlumTree answers in a second.
 */
const ANNOUNCE_MS = 150

/** The bytes of an IHave besides its entries, and those of an entry, at most. */
const IHAVE_BYTES = 36
const IHAVE_ENTRY_BYTES = 35

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
}

/** The reports of a queue to its owner. One object for all queues. */
export interface SendQueueHooks {
  /** The queue has more than `sendQueueBytes`. */
  readonly congested: (queue: SendQueue) => void
  /** A congested queue is slow from now on. */
  readonly slowed: (queue: SendQueue) => void
  /** A congested or slow queue has less than half of `sendQueueBytes` again, or was given up. */
  readonly relieved: (queue: SendQueue) => void
  /** The transport has taken some of the queue. */
  readonly drained: (queue: SendQueue) => void
  /** Whether the topic of the queue waits for it because all neighbours are slow. */
  readonly isHeldBack: (queue: SendQueue) => boolean
  /** A slow queue took too few bytes for too long. `isHeldBack`: as all other queues of its topic. */
  readonly stalled: (queue: SendQueue, isHeldBack: boolean) => void
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
  private writingBytes = 0
  private stream: SendStream | undefined
  private link: SendLink | undefined
  private isBusy = false
  private hasEnded = false
  private hasFinished = false
  private awaitsFlush = false
  private isCongested = false
  private isSlow = false
  private whenOver: Array<() => void> = []
  /** The bytes that the transport has taken. */
  private takenBytes = 0
  /** The bytes of payloads that were queued, other than answers to Grafts, since the queue was last relieved. */
  private relayedBytes = 0
  private watchTimer: Timer | undefined
  /** When the message was queued whose way to the transport is measured; undefined if none is. One at a time. */
  private timedAt: number | undefined
  /** The messages up to this one that were not written yet. */
  private timedLeft = 0
  private withheld: WithheldPayloads | undefined
  private announceTimer: Timer | undefined

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
    this.append(message)
    this.flushAtEnd()
    if (!this.isCongested && this.queuedBytes > this.context.options.sendQueueBytes) this.becomeCongested()
  }

  /** Queues an encoded payload. `isAnswer`: the peer grafted it. */
  pushPayload(message: Uint8Array, isAnswer: boolean): void {
    if (!isAnswer) this.relayedBytes += message.length
    this.push(message)
  }

  /**
   * Whether this payload or announcement is to be {@link withhold withheld}. A payload for neighbours only is kept nowhere and cannot be
   * grafted, so a slow queue takes it while it has room.
   */
  isWithholding(message: Gossip | IHave): boolean {
    if (!this.isSlow) return false
    return message._tag === "IHave" || message.scope._tag === "Swarm" || this.isOverfull
  }

  /** Notes the ids in place of the message. They are announced when the queue has drained. */
  withhold(message: Gossip | IHave): void {
    const { counters, options, timers } = this.context
    this.withheld ??= new WithheldPayloads(options.protocol.broadcast.messageCacheRetentionMs)
    this.withheld.add(message, timers.now())
    counters.withheld += message._tag === "Gossip" ? 1 : message.messages.length
  }

  /** Ends the stream after the messages that are queued. */
  end(): void {
    this.hasEnded = true
    this.withheld?.clear()
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

  /** The bytes that wait, and those that the transport is taking. */
  get size(): number {
    return this.queuedBytes + this.writingBytes
  }

  /** Whether the queue gets ids in place of payloads. */
  get isWithheldFrom(): boolean {
    return this.isSlow
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

  /** Gives the transport as much as it takes. Safe to call at any time, and does not throw. */
  flush(): void {
    try {
      this.flushNow()
    } catch (defect) {
      this.context.fail(defect, this.target.id)
    }
  }

  private flushNow(): void {
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
    this.timedAt = undefined
    this.link = link
    this.isBusy = true
    link.connection.openStream((stream) => {
      try {
        this.opened(stream, link)
      } catch (defect) {
        this.context.fail(defect, this.target.id)
      }
    })
  }

  private opened(stream: SendStream | undefined, link: SendLink): void {
    this.isBusy = false
    if (this.hasFinished) {
      stream?.finish()
      return
    }
    this.stream = stream
    // No stream means that the connection is gone. Its end is reported separately and decides about the queue.
    if (stream !== undefined) this.write(stream, true)
    else if (link.isClosed) this.flush()
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
    this.timedLeft -= count
    const bytes = frames.take()
    const size = bytes.length
    counters.messagesOut += count
    counters.bytesOut += size
    counters.writes++
    this.isBusy = true
    this.writingBytes = size
    stream.write(bytes, (isAlive) => {
      try {
        this.written(stream, size, isAlive)
      } catch (defect) {
        this.context.fail(defect, this.target.id)
      }
    })
  }

  private written(stream: SendStream, size: number, isAlive: boolean): void {
    this.isBusy = false
    this.writingBytes = 0
    this.takenBytes += size
    this.noteWritten(isAlive)
    if (this.hasFinished) stream.finish()
    else if (isAlive) {
      if (this.isHalfEmpty) {
        this.relieved()
        this.announceWithheld()
      }
      this.flush()
      this.hooks.drained(this)
    } else this.streamDied(stream)
  }

  private noteWritten(isAlive: boolean): void {
    if (this.timedAt === undefined || (isAlive && this.timedLeft > 0)) return
    if (isAlive) this.context.writeTimes.add(this.context.timers.now() - this.timedAt)
    this.timedAt = undefined
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
    this.hooks.drained(this)
    this.withheld?.clear()
    if (this.announceTimer !== undefined) this.context.timers.cancel(this.announceTimer)
    if (!this.isBusy) this.stream?.finish()
    // An object that keeps this queue must not keep native objects too.
    this.stream = undefined
    this.link = undefined
    const { whenOver } = this
    this.whenOver = []
    for (const run of whenOver) run()
  }

  private get isHalfEmpty(): boolean {
    return this.queuedBytes < this.context.options.sendQueueBytes / 2
  }

  private append(message: Uint8Array): void {
    this.messages.push(message)
    this.queuedBytes += message.length
    // Not while the peer is dialled: that is no time of the connection.
    if (this.timedAt === undefined && this.stream !== undefined) {
      this.timedAt = this.context.timers.now()
      this.timedLeft = this.messages.length
    }
    this.context.load.queuedBytes += message.length
  }

  private becomeCongested(): void {
    const { options } = this.context
    this.isCongested = true
    this.hooks.congested(this)
    // A peer could fill its queue with Grafts again and again: a topic waits for payloads of the topic only.
    if (this.relayedBytes < options.sendQueueBytes / 2) this.becomeSlow()
    else this.watchTimer = this.schedule(GRACE_MS, () => this.becomeSlow())
  }

  private becomeSlow(): void {
    this.isSlow = true
    this.hooks.slowed(this)
    this.hooks.drained(this)
    this.watchForStall(0)
  }

  private relieved(): void {
    this.relayedBytes = 0
    if (!this.isCongested) return
    this.isCongested = false
    this.isSlow = false
    if (this.watchTimer !== undefined) this.context.timers.cancel(this.watchTimer)
    this.hooks.relieved(this)
  }

  /**
   * Reports a slow queue that took less than half of `sendQueueBytes` within `stallTimeoutMs`. Bytes are counted and not writes:
   * otherwise a peer could keep its place by taking one write now and then.
   */
  private watchForStall(heldBackMs: number): void {
    const { options } = this.context
    const { stallTimeoutMs } = options
    const takenBefore = this.takenBytes
    this.watchTimer = this.schedule(stallTimeoutMs, () => {
      const isHeldBack = this.hooks.isHeldBack(this)
      const waitedMs = heldBackMs + stallTimeoutMs
      if (this.takenBytes - takenBefore >= options.sendQueueBytes / 2) this.watchForStall(0)
      else if (isHeldBack && waitedMs < HELD_BACK_FACTOR * stallTimeoutMs) this.watchForStall(waitedMs)
      else this.hooks.stalled(this, isHeldBack)
    })
  }

  /** Announces some of the withheld payloads. More follow when the peer had time to graft these. */
  private announceWithheld(): void {
    const { encoder, options, timers } = this.context
    if (this.withheld?.isEmpty !== false || this.announceTimer !== undefined) return
    const entries = this.withheld.take(options.sendQueueBytes / 2, timers.now())
    const batch = Math.floor((options.protocol.maxMessageSize - IHAVE_BYTES) / IHAVE_ENTRY_BYTES)
    for (let i = 0; i < entries.length; i += batch) {
      const bytes = encoder.encode({ _tag: "IHave", messages: entries.slice(i, i + batch) })
      if (bytes !== undefined) this.append(bytes)
    }
    this.announceTimer = this.schedule(ANNOUNCE_MS, () => {
      this.announceTimer = undefined
      if (this.isSlow || !this.isHalfEmpty) return
      this.announceWithheld()
      this.flush()
    })
  }

  private schedule(delayMs: number, run: () => void): Timer {
    return this.context.timers.schedule(delayMs, () => {
      try {
        run()
      } catch (defect) {
        this.context.fail(defect, this.target.id)
      }
    })
  }

  private flushAtEnd(): void {
    if (this.awaitsFlush) return
    this.awaitsFlush = true
    this.context.turn.flushAtEnd(this)
  }
}
