/**
 * Runs the protocol's state machine over a transport, for all topics of a node. Modelled on the actor of iroh-gossip 0.101
 * `src/net.rs`. Everything is synchronous: an event comes in (a message, a timer, a command), the state machine returns actions, and
 * the engine performs them. At the end of the turn queues are flushed and waiting subscribers are woken.
 */
import type { EndpointId, TopicId } from "@topic-tracker/crypto"
import { Result } from "effect"
import type { GossipLatencies, GossipStats, OpenOptions } from "../model.ts"
import { isEndpointKey } from "../protocol/codec/endpointKey.ts"
import { makeMessageDecoder } from "../protocol/codec/message.ts"
import { decodePeerData } from "../protocol/codec/peerData.ts"
import { type Action, type Event, GossipState, type NeighborTrust, type TopicKey } from "../protocol/index.ts"
import { LatencyHistogram } from "../protocol/LatencyHistogram.ts"
import type { GossipTransport } from "../transport/Transport.ts"
import { type Counters, type EngineContext, type EngineOptions, makeCounters } from "./context.ts"
import { FairTurns } from "./FairTurns.ts"
import { MessageEncoder } from "./MessageEncoder.ts"
import { OpenTopic } from "./OpenTopic.ts"
import { PeerManager } from "./PeerManager.ts"
import type { SendQueue } from "./SendQueue.ts"
import { Turn } from "./Turn.ts"

export class Engine {
  readonly peers: PeerManager
  readonly topics: ReadonlyMap<TopicKey, OpenTopic>
  private readonly openTopics = new Map<TopicKey, OpenTopic>()
  private readonly transport: GossipTransport["Service"]
  private readonly context: EngineContext
  private readonly state: GossipState
  private isHandling = false
  private readonly events: Array<Event> = []
  private readonly actions: Array<Action> = []
  private nextEvent = 0
  private nextAction = 0
  /** The actions that are performed now follow from a Graft. */
  private isAnsweringGraft = false
  /** The sender of the message whose actions are performed now; undefined if they are the actions of another event. */
  private from: EndpointId.EndpointId | undefined

  constructor(transport: GossipTransport["Service"], options: EngineOptions) {
    const { protocol, rng } = options
    this.transport = transport
    this.topics = this.openTopics
    this.context = {
      options,
      timers: transport.timers,
      counters: makeCounters(),
      writeTimes: new LatencyHistogram(),
      encoder: new MessageEncoder(protocol.maxMessageSize),
      decode: makeMessageDecoder(protocol.membership),
      turn: new Turn({ defer: transport.defer, onDefect: (defect) => this.reportDefect(defect) }),
      fair: new FairTurns(transport.timers),
      load: { actions: 0, emitted: 0, queuedBytes: 0, refusingMs: 0 },
      feed: (event) => this.feed(event),
      dispatch: (event) => this.dispatch(event),
      fail: (defect, peer) => this.fail(defect, peer),
    }
    this.state = new GossipState({
      me: transport.endpointId,
      peerData: new Uint8Array(0),
      config: protocol,
      rng,
      isKey: isEndpointKey,
      validatorOf: (topic) => this.topics.get(topic)?.validate,
    })
    this.peers = new PeerManager({
      context: this.context,
      transport,
      topics: this.topics,
      usesConnection: (peer) => this.state.usesConnection(peer),
    })
  }

  /** Handles one event in a turn of its own. */
  dispatch(event: Event): void {
    const { turn } = this.context
    turn.begin()
    try {
      this.feed(event)
    } finally {
      turn.end()
    }
  }

  /** Takes part in the topic; undefined if it is open already. */
  openTopic(id: TopicId, options: OpenOptions = {}): OpenTopic | undefined {
    if (this.topics.has(id.hex)) return undefined
    const topic = new OpenTopic(this.context, id, options)
    this.openTopics.set(id.hex, topic)
    this.dispatch({ _tag: "Join", topic: id.hex, peers: [] })
    return topic
  }

  /** Leaves the topic. Returns the queues that still hold its last messages. */
  closeTopic(topic: OpenTopic): ReadonlyArray<SendQueue> {
    if (topic.isClosed) return []
    const { counters, turn } = this.context
    turn.begin()
    try {
      this.addCountersOf(topic.id.hex, counters)
      this.feed({ _tag: "Quit", topic: topic.id.hex })
    } finally {
      this.openTopics.delete(topic.id.hex)
      for (const neighbor of topic.neighbors) this.peers.sharedTopicsChanged(neighbor)
      topic.close()
      turn.end()
    }
    return this.peers.endingQueues(topic.id)
  }

  /** Leaves every topic and closes every connection without waiting for queued messages. */
  close(): void {
    for (const topic of [...this.topics.values()]) this.closeTopic(topic)
    this.peers.close()
  }

  /** The neighbours of the topic, each with the reason to believe that it is a member. Empty if the topic is closed. */
  neighborTrust(topic: OpenTopic): ReadonlyMap<EndpointId.EndpointId, NeighborTrust> {
    return topic.isClosed ? new Map() : this.state.neighborTrust(topic.id.hex)
  }

  /** Requests of ours that peers of the topic refused so far. */
  refusals(topic: OpenTopic): number {
    return this.state.stats(topic.id.hex)?.refusals ?? 0
  }

  /** Whether the topic may ask peers for links now. */
  mayConnect(topic: OpenTopic): boolean {
    return !topic.isClosed && this.state.mayConnect(topic.id.hex)
  }

  /** The number of nodes in the topic's swarm, estimated; undefined before a shuffle. */
  estimatedSize(topic: OpenTopic): number | undefined {
    return topic.isClosed ? undefined : this.state.estimatedSize(topic.id.hex)
  }

  /** Messages sent and received so far. */
  get messageCount(): number {
    const { messagesIn, messagesOut } = this.context.counters
    return messagesIn + messagesOut
  }

  stats(): GossipStats {
    const counters = { ...this.context.counters }
    for (const key of this.topics.keys()) this.addCountersOf(key, counters)
    const { connections, peers } = this.peers.count()
    return {
      ...counters,
      ...this.transport.stats(),
      topics: this.topics.size,
      peers,
      connections,
      timers: this.context.timers.size,
    }
  }

  latencies(): GossipLatencies {
    const { echo, secondCopy } = this.state.latencies
    return { echo: echo.now, secondCopy: secondCopy.now, write: this.context.writeTimes.now }
  }

  private addCountersOf(topic: TopicKey, counters: Counters): void {
    const stats = this.state.stats(topic)
    if (stats === undefined) return
    counters.forgedPayloads += stats.forgedPayloads
    counters.ignoredPayloads += stats.ignoredPayloads
    counters.rejectedPayloads += stats.rejectedPayloads
    counters.duplicatePayloads += stats.duplicatePayloads
    counters.droppedMessages += stats.droppedMessages
    counters.droppedNames += stats.droppedNames
    counters.refusedRequests += stats.refusedRequests
    counters.droppedAnnouncements += stats.droppedAnnouncements
    counters.droppedGrafts += stats.droppedGrafts
  }

  /** Gives an event to the state machine and performs the actions. An event that comes meanwhile waits until they are performed. */
  private feed(event: Event): void {
    this.events.push(event)
    if (this.isHandling) return
    this.isHandling = true
    try {
      this.handleRest()
    } catch (defect) {
      this.recover(defect)
    } finally {
      // Without this, the engine would handle no event after an exception.
      this.from = undefined
      this.dropActions()
      this.events.length = 0
      this.nextEvent = 0
      this.isHandling = false
    }
  }

  private handleRest(): void {
    const { actions, events } = this
    for (;;) {
      while (this.nextAction < actions.length) this.perform(actions[this.nextAction++]!)
      this.dropActions()
      if (this.nextEvent === events.length) return
      const event = events[this.nextEvent++]!
      this.isAnsweringGraft = event._tag === "Received" && event.message._tag === "Graft"
      this.from = event._tag === "Received" ? event.from : undefined
      this.state.handle(event, this.context.timers.now(), actions)
    }
  }

  /** Sets the length only if there are actions: it costs a call into the runtime. */
  private dropActions(): void {
    if (this.actions.length === 0) return
    this.actions.length = 0
    this.nextAction = 0
  }

  /** Reports an exception and handles the remaining actions and events all the same. */
  private recover(first: unknown): void {
    let defect = first
    for (;;) {
      this.fail(defect, this.from)
      try {
        this.handleRest()
        return
      } catch (next) {
        defect = next
      }
    }
  }

  private perform(action: Action): void {
    const { load } = this.context
    load.actions++
    switch (action._tag) {
      case "Send":
        this.peers.send(action.to, action.topic, action.message, {
          isAnswer: this.isAnsweringGraft,
          origin: this.from === undefined ? "wanted" : "gossip",
        })
        return
      case "Emit":
        load.emitted++
        this.topics.get(action.topic)?.emit(action.event)
        if (action.event._tag !== "Received") this.peers.sharedTopicsChanged(action.event.peer)
        return
      case "DisconnectPeer":
        this.peers.release(action.peer)
        return
      case "ScheduleTimer":
        this.topics.get(action.timer.topic)?.schedule(action.delayMs, action.timer)
        return
      case "PeerData": {
        const address = decodePeerData(action.data)
        if (Result.isSuccess(address) && action.peer !== this.transport.endpointId) {
          this.transport.learnAddress(action.peer, address.success, action.peer === this.from ? "own" : "hearsay")
        }
      }
    }
  }

  private fail(defect: unknown, peer: EndpointId.EndpointId | undefined): void {
    if (peer !== undefined) this.peers.expel(peer)
    this.reportDefect(defect)
  }

  private reportDefect(defect: unknown): void {
    this.context.counters.defects++
    this.context.options.onDefect(defect)
  }
}
