/**
 * Reads one stream of a peer: bytes to frames, frames to messages, messages to the state machine. It stops reading while
 * its topic holds back, so that the transport's flow control holds the peer back; what is malformed ends this stream only.
 */
import { Result } from "effect"
import { decodeHeader, FrameDecoder } from "../protocol/codec/frames.ts"
import { decodeMessage } from "../protocol/codec/message.ts"
import type { Message, TopicKey } from "../protocol/index.ts"
import type { ReceiveStream } from "../transport/Transport.ts"
import type { Engine } from "./Engine.ts"
import type { Link } from "./Peer.ts"

/** So many streams may wait for a topic when their connection is gone; of more, what they brought goes with it. */
const maxOrphans = 64

/** So many streams of a connection may wait for others of their topics to end, each with what it brought; more do not wait. */
const maxWaiting = 64

export class Receiver {
  private readonly engine: Engine
  private readonly link: Link
  private readonly stream: ReceiveStream
  private readonly decoder: FrameDecoder
  private topic: TopicKey | undefined
  private messages: Array<Message> = []
  private next = 0
  private malformed = false
  private reading = false
  private wantsMore = false
  private ended = false
  /** The connection is gone. */
  private orphaned = false
  /**
   * The peer's stream of the same topic before this one, while that lasts. It ends with a Disconnect, and what this one begins with,
   * a request to be let in again, must not be heard before that: we would part from a peer that takes us for its neighbour.
   */
  private predecessor: Receiver | undefined
  private readonly successors: Array<Receiver> = []

  constructor(engine: Engine, link: Link, stream: ReceiveStream) {
    this.engine = engine
    this.link = link
    this.stream = stream
    this.decoder = new FrameDecoder(engine.options.protocol.maxMessageSize)
  }

  /** Asks the transport for more. A loop: what it has at once it gives within the call, and that may be thousands of chunks. */
  read(): void {
    this.wantsMore = true
    if (this.reading) return
    this.reading = true
    while (this.wantsMore) {
      this.wantsMore = false
      this.stream.read(this.onBytes)
    }
    this.reading = false
  }

  /** Hands on what has been decoded, as far as the topic takes it, and then reads more. */
  proceed(): void {
    if (this.ended || this.predecessor !== undefined) return
    const { engine, link } = this
    const from = link.peer.id
    engine.enter()
    while (this.next < this.messages.length) {
      const key = this.topic!
      const topic = engine.topics.get(key)
      if (topic?.mayRead(from) === false) {
        topic.paused.add(this)
        engine.exit()
        return
      }
      // A topic that nobody here is in is read all the same: the protocol answers some of it, and refusing the stream
      // would end the whole sending side of the connection at a reference node.
      const message = this.messages[this.next++]!
      // Payloads are for us whoever brought them; the rest was between us and a peer that is gone.
      if (this.orphaned && message._tag !== "Gossip") continue
      if (topic !== undefined && (message._tag === "Join" || message._tag === "Neighbor"))
        engine.connections.keep(link.peer)
      engine.feed({ _tag: "Received", from, topic: key, message })
      if (topic?.turnDue !== true) continue
      // A subscriber's buffer is full. It gets a turn to read before anything is dropped.
      topic.turnDue = false
      engine.exit()
      if (topic.hasFullSubscriber) {
        engine.timers.soon(() => this.proceed())
        return
      }
      engine.enter()
    }
    this.messages = []
    this.next = 0
    engine.exit()
    if (this.malformed) this.giveUp()
    else this.read()
  }

  private readonly onBytes = (bytes: Uint8Array | undefined): void => {
    if (bytes === undefined) {
      this.end()
      return
    }
    this.engine.counters.reads++
    this.engine.counters.bytesIn += bytes.length
    const tooLong = this.decoder.push(bytes, this.onFrame)
    if (tooLong !== undefined) this.malformed = true
    this.proceed()
  }

  private readonly onFrame = (frame: Uint8Array): void => {
    if (this.malformed) return
    if (this.topic === undefined) {
      this.topic = decodeHeader(frame)?.hex
      this.malformed = this.topic === undefined
      if (!this.malformed) this.lineUp()
      return
    }
    this.engine.counters.messagesIn++
    const message = decodeMessage(frame)
    if (Result.isSuccess(message)) this.messages.push(message.success)
    else this.malformed = true
  }

  private lineUp(): void {
    let predecessor: Receiver | undefined
    let waiting = 0
    for (const earlier of this.link.receivers) {
      if (earlier === this) break
      if (earlier.predecessor !== undefined) waiting++
      if (earlier.topic === this.topic) predecessor = earlier
    }
    if (predecessor === undefined || waiting >= maxWaiting) return
    this.predecessor = predecessor
    predecessor.successors.push(this)
  }

  private giveUp(): void {
    this.engine.counters.malformedStreams++
    this.stream.stop()
    this.end()
  }

  /** The connection is gone. Payloads that came before are handed on all the same, when their topic takes them. */
  abandon(): void {
    this.orphaned = true
    if (this.predecessor !== undefined) {
      // Among payloads there is no order to be kept.
      this.predecessor = undefined
      this.proceed()
    }
    const paused = this.topic === undefined ? undefined : this.engine.topics.get(this.topic)?.paused
    if (paused !== undefined && paused.size > maxOrphans && paused.delete(this)) this.end()
  }

  private end(): void {
    if (this.ended) return
    this.ended = true
    this.engine.connections.streamEnded(this.link, this)
    for (const successor of this.successors) {
      successor.predecessor = undefined
      this.engine.timers.soon(() => successor.proceed())
    }
  }
}
