/**
 * Drives the protocol's state machine over a transport: one for all topics of a process. Modelled on the actor of iroh-gossip
 * 0.101 `src/net.rs`. All of it is synchronous: an event comes in (a message, a timer, a command), the state machine says
 * what to do, it is done, and at the end of the turn what was queued is flushed and waiting subscribers are woken.
 */

import type { Timers } from "@topic-tracker/common"
import type { EndpointId, TopicId } from "@topic-tracker/crypto"
import { Result } from "effect"
import type { GossipStats } from "../model.ts"
import { FrameEncoder } from "../protocol/codec/frames.ts"
import { decodePeerData } from "../protocol/codec/peerData.ts"
import {
  type Action,
  type Event,
  GossipState,
  type ProtocolConfig,
  type Rng,
  type TopicKey,
} from "../protocol/index.ts"
import type { GossipTransport } from "../transport/Transport.ts"
import { Connections } from "./Connections.ts"
import { type Counters, makeCounters } from "./Counters.ts"
import { OpenTopic } from "./OpenTopic.ts"
import type { Outbound } from "./Outbound.ts"
import type { Subscriber } from "./Subscriber.ts"

export interface EngineOptions {
  readonly protocol: ProtocolConfig
  readonly rng: Rng
  /** Bytes queued for one peer on one topic from which on the topic counts as congested. */
  readonly sendQueueBytes: number
  /** How long a congested queue may go without the transport taking anything, in milliseconds. */
  readonly stallTimeoutMs: number
  /** How long a connection that nobody needs waits for the peer's streams to end, in milliseconds. */
  readonly lingerMs: number
  /** Told of a bug: the state machine threw. */
  readonly onDefect: (defect: unknown) => void
}

export class Engine {
  readonly options: EngineOptions
  readonly timers: Timers
  readonly counters: Counters = makeCounters()
  /** One for all streams: it is empty between two uses. */
  readonly encoder: FrameEncoder
  readonly topics = new Map<string, OpenTopic>()
  readonly connections: Connections
  private readonly transport: GossipTransport["Service"]
  private readonly state: GossipState
  private depth = 0
  private handling = false
  private flushing = false
  private readonly events: Array<Event> = []
  private readonly actions: Array<Action> = []
  private toFlush: Array<Outbound> = []
  private toWake: Array<Subscriber> = []

  constructor(transport: GossipTransport["Service"], options: EngineOptions) {
    this.transport = transport
    this.options = options
    this.timers = transport.timers
    this.encoder = new FrameEncoder(options.protocol.maxMessageSize)
    this.connections = new Connections(this, transport)
    this.state = new GossipState({
      me: transport.endpointId,
      peerData: new Uint8Array(0),
      config: options.protocol,
      rng: options.rng,
    })
  }

  /** Begins a turn; turns nest. */
  enter(): void {
    this.depth++
  }

  /**
   * Ends a turn. At the end of the outermost, queues are flushed, when the transport says so, and subscribers are woken, who
   * may run right here and send something in their turn.
   */
  exit(): void {
    if (--this.depth > 0) return
    if (this.toFlush.length > 0 && !this.flushing) {
      this.flushing = true
      this.transport.defer(this.flush)
    }
    while (this.toWake.length > 0) {
      const toWake = this.toWake
      this.toWake = []
      for (const subscriber of toWake) subscriber.resume()
    }
  }

  /** Gives an event to the state machine and does what it says. To be called within a turn. */
  feed(event: Event): void {
    this.events.push(event)
    if (this.handling) return
    this.handling = true
    const { actions, events } = this
    for (let i = 0; i < events.length; i++) {
      try {
        this.state.handle(events[i]!, this.timers.now(), actions)
      } catch (defect) {
        this.counters.defects++
        this.options.onDefect(defect)
      }
      for (let j = 0; j < actions.length; j++) this.perform(actions[j]!)
      actions.length = 0
    }
    events.length = 0
    this.handling = false
  }

  /** A whole turn for one event. */
  turn(event: Event): void {
    this.enter()
    this.feed(event)
    this.exit()
  }

  /** Takes part in the topic; undefined when it is open already. */
  openTopic(id: TopicId): OpenTopic | undefined {
    if (this.topics.has(id.hex)) return undefined
    const topic = new OpenTopic(this, id)
    this.topics.set(id.hex, topic)
    this.turn({ _tag: "Join", topic: id.hex, peers: [] })
    return topic
  }

  /** Leaves the topic. The answer: the queues that still hold its last messages. */
  closeTopic(topic: OpenTopic): ReadonlyArray<Outbound> {
    if (topic.isClosed) return []
    this.enter()
    this.addCountersOf(topic.id.hex, this.counters)
    this.feed({ _tag: "Quit", topic: topic.id.hex })
    this.topics.delete(topic.id.hex)
    topic.close()
    this.exit()
    return this.connections.endingOf(topic.id)
  }

  /** Leaves every topic and closes every connection, without waiting for what is queued. */
  close(): void {
    for (const topic of [...this.topics.values()]) this.closeTopic(topic)
    this.connections.close()
  }

  /** Whether some topic needs the connection to the peer. */
  usesConnection(peer: EndpointId.EndpointId): boolean {
    return this.state.usesConnection(peer)
  }

  stats(): GossipStats {
    const counters = { ...this.counters }
    for (const key of this.topics.keys()) this.addCountersOf(key, counters)
    const { connections, peers } = this.connections.count()
    return { ...counters, topics: this.topics.size, peers, connections, timers: this.timers.size }
  }

  private addCountersOf(topic: TopicKey, counters: Counters): void {
    const stats = this.state.stats(topic)
    if (stats === undefined) return
    counters.forgedPayloads += stats.forgedPayloads
    counters.duplicatePayloads += stats.duplicatePayloads
    counters.droppedMessages += stats.droppedMessages
  }

  /** @internal The queue has something for its stream. */
  willFlush(outbound: Outbound): void {
    this.toFlush.push(outbound)
  }

  /** @internal The subscriber's fiber waits for events that are there now. */
  willWake(subscriber: Subscriber): void {
    this.toWake.push(subscriber)
  }

  /** @internal */
  congested(outbound: Outbound): void {
    this.topics.get(outbound.topic.hex)?.congested.add(outbound)
  }

  /** @internal */
  relieved(outbound: Outbound): void {
    this.topics.get(outbound.topic.hex)?.relievedBy(outbound)
  }

  private readonly flush = (): void => {
    this.flushing = false
    const toFlush = this.toFlush
    this.toFlush = []
    for (const outbound of toFlush) outbound.flush()
  }

  private perform(action: Action): void {
    switch (action._tag) {
      case "Send":
        this.connections.send(action.to, action.topic, action.message)
        return
      case "Emit":
        this.topics.get(action.topic)?.emit(action.event)
        return
      case "DisconnectPeer":
        this.connections.leave(action.peer)
        return
      case "ScheduleTimer": {
        const topic = this.topics.get(action.timer.topic)
        if (topic === undefined) return
        const timer = this.timers.schedule(action.delayMs, () => {
          topic.timers.delete(timer)
          this.turn({ _tag: "TimerExpired", timer: action.timer })
        })
        topic.timers.add(timer)
        return
      }
      case "PeerData": {
        const address = decodePeerData(action.data)
        if (Result.isSuccess(address) && action.peer !== this.transport.endpointId) {
          this.transport.learnAddress(action.peer, address.success)
        }
      }
    }
  }
}
