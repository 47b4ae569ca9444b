/**
 * Reads one stream of a peer: bytes to frames, frames to messages, messages to the protocol. It stops reading while its topic may not
 * be read, so that the transport's flow control slows the peer down. A malformed frame ends this stream only.
 */
import type { Timer } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"
import { Result } from "effect"
import { decodeHeader, FrameDecoder } from "../protocol/codec/frames.ts"
import type { Message, TopicKey } from "../protocol/index.ts"
import type { ReceiveStream } from "../transport/Transport.ts"
import type { EngineContext } from "./context.ts"
import type { OpenTopic } from "./OpenTopic.ts"

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

/** The reason why a reader stopped handing on messages. */
type HandOnStop = "allDone" | "paused" | "full"

/** The part of a connection that its readers use. One object for all streams of a connection. */
export interface StreamSource {
  readonly from: EndpointId.EndpointId
  /** All readers of the connection, in the order in which the peer opened the streams. */
  readonly readers: ReadonlySet<StreamReader>
  readonly topics: ReadonlyMap<TopicKey, OpenTopic>
  /** The peer asks to become a neighbour in a topic that is open here. */
  readonly onRequest: () => void
  readonly onEnded: (reader: StreamReader) => void
}

export class StreamReader {
  private readonly context: EngineContext
  private readonly source: StreamSource
  private readonly stream: ReceiveStream
  private readonly decoder: FrameDecoder
  private readonly headerTimer: Timer
  private topic: TopicKey | undefined
  private messages: Array<Message> = []
  private next = 0
  private isMalformed = false
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
    this.stream = stream
    this.decoder = new FrameDecoder(context.options.protocol.maxMessageSize)
    this.headerTimer = context.timers.schedule(HEADER_TIMEOUT_MS, () => this.refuse())
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

  /** Hands on the decoded messages while the topic may be read, then reads more. */
  proceed(): void {
    if (this.hasEnded || this.predecessor !== undefined) return
    const { timers, turn } = this.context
    for (;;) {
      let stop: HandOnStop
      turn.begin()
      try {
        stop = this.handOn()
      } finally {
        turn.end()
      }
      if (stop === "allDone") break
      if (stop === "paused") return
      // The end of the turn has woken the subscriber that is full. It must read before any event is dropped.
      if (this.source.topics.get(this.topic!)?.hasFullSubscriber === true) {
        timers.runSoon(() => this.proceed())
        return
      }
    }
    if (this.isMalformed) this.giveUp()
    else this.read()
  }

  /** Hands on messages within a turn, until there are no more, the topic may not be read, or a subscriber's queue fills up. */
  private handOn(): HandOnStop {
    const { feed } = this.context
    const { from, onRequest, topics } = this.source
    while (this.next < this.messages.length) {
      const key = this.topic!
      const topic = topics.get(key)
      if (topic?.mayRead(from) === false) {
        topic.pause(this)
        return "paused"
      }
      // The stream of a topic that is not open here is read all the same: the protocol answers some of the messages, and refusing the
      // stream would end the whole sending side of the connection at a Rust node.
      const message = this.messages[this.next++]!
      // After the connection is gone only payloads matter: the other messages are between us and this peer.
      if (this.isOrphaned && message._tag !== "Gossip") continue
      if (topic !== undefined && (message._tag === "Join" || message._tag === "Neighbor")) onRequest()
      feed({ _tag: "Received", from, topic: key, message })
      if (topic?.hasFreshlyFull === true) {
        topic.hasFreshlyFull = false
        return "full"
      }
    }
    this.messages = []
    this.next = 0
    return "allDone"
  }

  /** The connection is gone. Payloads that arrived before are still handed on when their topic may be read. */
  abandon(): void {
    this.isOrphaned = true
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
    const { counters } = this.context
    counters.reads++
    counters.bytesIn += bytes.length
    const tooLong = this.decoder.push(bytes, this.onFrame)
    if (tooLong !== undefined) this.isMalformed = true
    this.proceed()
  }

  private readonly onFrame = (frame: Uint8Array): void => {
    if (this.isMalformed || this.hasEnded) return
    if (this.topic === undefined) {
      this.onHeader(frame)
      return
    }
    this.context.counters.messagesIn++
    const message = this.context.decode(frame)
    if (Result.isSuccess(message)) this.messages.push(message.success)
    else this.isMalformed = true
  }

  private onHeader(frame: Uint8Array): void {
    this.context.timers.cancel(this.headerTimer)
    this.topic = decodeHeader(frame)?.hex
    this.isMalformed = this.topic === undefined
    if (this.isMalformed) return
    if (this.hasUnknownTopic && this.countUnknownTopics() > MAX_UNKNOWN_TOPICS) this.refuse()
    else this.awaitPredecessor()
  }

  private get hasUnknownTopic(): boolean {
    return this.topic !== undefined && !this.source.topics.has(this.topic)
  }

  private countUnknownTopics(): number {
    let count = 0
    for (const reader of this.source.readers) if (reader.hasUnknownTopic) count++
    return count
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
