/**
 * Reads one stream of a peer: bytes to frames, frames to messages, messages to the protocol. A frame is decoded when it is handed on,
 * and only if its topic is open. The reader stops while its topic may not be read, while other peers have their turn and while its
 * peer is over its budget, so that the transport's flow control slows the peer down. A malformed frame ends this stream only.
 */
import type { Timer } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"
import { Result } from "effect"
import { decodeHeader, FrameDecoder } from "../protocol/codec/frames.ts"
import type { Message, TopicKey } from "../protocol/index.ts"
import type { ReceiveStream } from "../transport/Transport.ts"
import type { EngineContext } from "./context.ts"
import type { FairWorker } from "./FairTurns.ts"
import {
  CHUNK_COST,
  handlingCost,
  hasKnownTag,
  isPayload,
  isRequest,
  MALFORMED_COST,
  REFUSED_COST,
  receivingCost,
  SKIPPED_COST,
} from "./frameCosts.ts"
import type { OpenTopic } from "./OpenTopic.ts"
import type { PeerBudget } from "./WorkBudget.ts"

/** The number of streams that may wait for a topic after their connection is gone. Messages of further streams are dropped. */
const MAX_ORPHANS = 64

/** The number of streams of a connection that may wait for an earlier stream of their topic to end. Further streams do not wait. */
const MAX_WAITING = 64

/** A stream whose header is not complete after this time is stopped. An honest peer sends it with the first bytes. */
const HEADER_TIMEOUT_MS = 10_000

/**
 * Streams of a connection for topics that are not open here. Further ones are stopped. A peer has one such stream for each topic that we
 * have left, until it gets our Disconnect.
 */
const MAX_UNKNOWN_TOPICS = 32

/** A chunk of so many bytes may be part of a larger frame. */
const SMALL_CHUNK_BYTES = 1_024

/** The reason why a reader stopped handing on messages. */
type HandOnStop = "allDone" | "paused" | "full" | "slice"

/** The part of a connection that its readers use. One object for all streams of a connection. */
export interface StreamSource {
  readonly from: EndpointId.EndpointId
  /** All readers of the connection, in the order in which the peer opened the streams. */
  readonly readers: ReadonlySet<StreamReader>
  readonly topics: ReadonlyMap<TopicKey, OpenTopic>
  readonly budget: PeerBudget
  /** The peer asks to become a neighbour in a topic that is open here. */
  readonly onRequest: () => void
  readonly onMalformed: () => void
  readonly onEnded: (reader: StreamReader) => void
}

/** Stands for a request for a topic that is not open. Its data is of no use. */
const UNREAD_JOIN: Message = { _tag: "Join", data: undefined }

export class StreamReader implements FairWorker {
  readonly from: EndpointId.EndpointId
  private readonly context: EngineContext
  private readonly source: StreamSource
  private readonly stream: ReceiveStream
  private readonly decoder: FrameDecoder
  private readonly headerTimer: Timer
  private topic: TopicKey | undefined
  private frames: Array<Uint8Array> = []
  private next = 0
  private isMalformed = false
  /** The decoder found a frame that is too long. Frames before it are handed on. */
  private isTooLong = false
  /** The buffer of the chunk that is being cut into frames. */
  private chunk: ArrayBufferLike | undefined
  /** The last chunk completed a frame, or may be a large part of one. */
  private hasFrame = false
  /** The work of this turn so far. */
  private done = 0
  private isReading = false
  private wantsMore = false
  private hasEnded = false
  /** The connection is gone. */
  private isOrphaned = false
  /**
   * The peer's previous stream of the same topic, until it ends. It ends with a Disconnect, and this stream begins with a request to be
   * let in again. If the request were read first, the Disconnect would remove a peer that takes us for its neighbour.
   */
  private predecessor: StreamReader | undefined
  private readonly successors: Array<StreamReader> = []

  constructor(context: EngineContext, source: StreamSource, stream: ReceiveStream) {
    this.context = context
    this.source = source
    this.from = source.from
    this.stream = stream
    this.decoder = new FrameDecoder(context.options.protocol.maxMessageSize)
    this.headerTimer = context.timers.schedule(HEADER_TIMEOUT_MS, () => {
      try {
        this.refuse()
      } catch (defect) {
        context.fail(defect, this.from)
      }
    })
  }

  /**
   * Asks the transport for more bytes. This is a loop because the transport may answer within the call, and that may happen thousands
   * of times in a row.
   */
  read(): void {
    this.wantsMore = true
    if (this.isReading) return
    this.isReading = true
    while (this.wantsMore) {
      this.wantsMore = false
      this.stream.read(this.onBytes)
    }
    this.isReading = false
  }

  /** Hands on the frames when it is this reader's turn, then reads more. */
  proceed(): void {
    if (!this.hasEnded && this.predecessor === undefined) this.context.fair.run(this)
  }

  work(limit: number): number {
    if (this.hasEnded || this.predecessor !== undefined || this.source.budget.isClosed) return 0
    try {
      return this.handOnAll(limit)
    } catch (defect) {
      this.context.fail(defect, this.from)
      return limit
    }
  }

  private handOnAll(limit: number): number {
    const { fair, timers, turn } = this.context
    this.done = 0
    for (;;) {
      let stop: HandOnStop
      turn.begin()
      try {
        stop = this.handOn(limit)
      } finally {
        turn.end()
      }
      if (stop === "allDone") break
      if (stop === "slice") fair.runAgain(this)
      if (stop === "paused" || stop === "slice") return this.done
      // The end of the turn has woken the subscriber that is full. It must read before any event is dropped.
      if (this.source.topics.get(this.topic!)?.hasFullSubscriber === true) {
        timers.runSoon(() => this.proceed())
        return this.done
      }
    }
    const { done } = this
    if (this.isMalformed || this.isTooLong) this.giveUp()
    else if (this.hasFrame || this.source.budget.mayWork(this)) this.read()
    return done
  }

  /** Hands on messages within a turn, until there are no more, the limit is reached, the reader must wait, or a subscriber is full. */
  private handOn(limit: number): HandOnStop {
    const { budget, topics } = this.source
    const key = this.topic!
    budget.refill(this.context.timers.now())
    while (this.next < this.frames.length) {
      if (budget.isClosed) return "paused"
      if (this.done >= limit) return "slice"
      const topic = topics.get(key)
      if (topic?.mayRead(this.from) === false) {
        topic.pause(this)
        return "paused"
      }
      const frame = this.frames[this.next]!
      // After the connection is gone only payloads matter: the other messages are between us and this peer.
      const isSuperfluous = this.isOrphaned && !isPayload(frame)
      const isFree = topic !== undefined && isPayload(frame) && topic.neighbors.has(this.from)
      // Most payloads of a neighbour cost nothing. One that sends duplicates, or what the topic refuses, waits like any other.
      const mustAsk = !isSuperfluous && (!isFree || budget.isExhausted)
      if (mustAsk && !budget.mayWork(this)) return "paused"
      this.next++
      if (isSuperfluous) continue
      if (topic === undefined) this.skip(frame)
      else this.handle(frame, topic, isFree)
      if (this.isMalformed) break
      if (topic?.hasFreshlyFull === true) {
        topic.hasFreshlyFull = false
        return "full"
      }
    }
    this.frames = []
    this.next = 0
    return "allDone"
  }

  private handle(frame: Uint8Array, topic: OpenTopic, isFree: boolean): void {
    const { decode, feed, load, timers } = this.context
    const { budget, onRequest } = this.source
    const isNeighbor = topic.neighbors.has(this.from)
    const decoded = decode(frame)
    if (Result.isFailure(decoded)) {
      this.isMalformed = true
      budget.spend(MALFORMED_COST, receivingCost(frame, isNeighbor))
      return
    }
    const message = decoded.success
    if (message._tag === "Join" || message._tag === "Neighbor") onRequest()
    const { actions, emitted, queuedBytes, refusingMs } = load
    const began = isNeighbor ? 0 : timers.now()
    feed({ _tag: "Received", from: this.from, topic: topic.id.hex, message })
    const estimate = handlingCost(frame, load.actions - actions, load.queuedBytes - queuedBytes)
    // A neighbour pays for the time of refusals only: a clock goes on while other programs run, and its messages are many.
    const took = isNeighbor ? load.refusingMs - refusingMs : timers.now() - began
    const cost = Math.max(estimate, 1_000 * took)
    this.done += cost
    if (!isFree || load.emitted === emitted) budget.spend(cost, receivingCost(frame, isNeighbor))
  }

  /**
   * A frame for a topic that is not open here is not decoded. It is read all the same: refusing the stream would end the whole sending
   * side of the connection at a Rust node. A peer that takes us for a member gets an answer.
   */
  private skip(frame: Uint8Array): void {
    const { counters, feed } = this.context
    let cost = SKIPPED_COST
    if (!hasKnownTag(frame)) this.isMalformed = true
    else if (isRequest(frame)) {
      cost = REFUSED_COST
      feed({ _tag: "Received", from: this.from, topic: this.topic!, message: UNREAD_JOIN })
    } else counters.skippedMessages++
    this.done += cost
    this.source.budget.spend(cost, receivingCost(frame, false))
  }

  /** The connection is gone. Payloads that arrived before are still handed on when their topic may be read. */
  abandon(): void {
    this.isOrphaned = true
    if (this.source.budget.isClosed) {
      this.end()
      return
    }
    if (this.predecessor !== undefined) {
      // The order of payloads does not matter.
      this.predecessor = undefined
      this.proceed()
    }
    const topic = this.topic === undefined ? undefined : this.source.topics.get(this.topic)
    if (topic?.dropPaused(this, MAX_ORPHANS) === true) this.end()
  }

  private readonly onBytes = (bytes: Uint8Array | undefined): void => {
    if (bytes === undefined) {
      this.end()
      return
    }
    const { counters, fail } = this.context
    counters.reads++
    counters.bytesIn += bytes.length
    this.chunk = bytes.buffer
    this.hasFrame = false
    try {
      const tooLong = this.decoder.push(bytes, this.onFrame)
      if (tooLong !== undefined) this.isTooLong = true
    } catch (defect) {
      fail(defect, this.from)
      return
    }
    if (bytes.length >= SMALL_CHUNK_BYTES) this.hasFrame = true
    if (!this.hasFrame || !this.source.budget.isNeighbor) this.source.budget.spend(CHUNK_COST)
    this.proceed()
  }

  private readonly onFrame = (frame: Uint8Array): void => {
    if (this.isMalformed || this.hasEnded) return
    this.hasFrame = true
    if (this.topic === undefined) {
      this.onHeader(frame)
      return
    }
    this.context.counters.messagesIn++
    // The decoder uses its own buffer again.
    this.frames.push(frame.buffer === this.chunk ? frame : frame.slice())
  }

  private onHeader(frame: Uint8Array): void {
    this.context.timers.cancel(this.headerTimer)
    const key = decodeHeader(frame)?.hex
    // The topic's own string, if it is open: it need not be compared digit by digit.
    this.topic = key === undefined ? undefined : (this.source.topics.get(key)?.id.hex ?? key)
    this.isMalformed = this.topic === undefined
    if (this.isMalformed) return
    if (this.hasUnknownTopic && this.countUnknownTopics() > MAX_UNKNOWN_TOPICS) this.refuse()
    else this.awaitPredecessor()
  }

  private get hasUnknownTopic(): boolean {
    return this.topic !== undefined && !this.source.topics.has(this.topic)
  }

  private countUnknownTopics(): number {
    return [...this.source.readers].filter((reader) => reader.hasUnknownTopic).length
  }

  private awaitPredecessor(): void {
    let predecessor: StreamReader | undefined
    let waiting = 0
    for (const earlier of this.source.readers) {
      if (earlier === this) break
      if (earlier.predecessor !== undefined) waiting++
      if (earlier.topic === this.topic) predecessor = earlier
    }
    if (predecessor === undefined || waiting >= MAX_WAITING) return
    this.predecessor = predecessor
    predecessor.successors.push(this)
  }

  private refuse(): void {
    this.context.counters.refusedStreams++
    this.stream.stop()
    this.end()
  }

  private giveUp(): void {
    this.context.counters.malformedStreams++
    this.stream.stop()
    this.end()
    this.source.onMalformed()
  }

  private end(): void {
    if (this.hasEnded) return
    this.hasEnded = true
    this.context.timers.cancel(this.headerTimer)
    this.source.onEnded(this)
    for (const successor of this.successors) {
      successor.predecessor = undefined
      this.context.timers.runSoon(() => successor.proceed())
    }
  }
}
