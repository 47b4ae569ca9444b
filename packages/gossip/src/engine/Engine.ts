/**
 * Drives the protocol's state machine over a transport: one for all topics of a process. Modelled on the actor of iroh-gossip
 * 0.101 `src/net.rs`. All of it is synchronous: an event comes in (a message, a timer, a command), the state machine says
 * what to do, it is done, and at the end of the turn what was queued is flushed and waiting subscribers are woken.
 */
import { Bytes, type EndpointId, TopicId } from "@topic-tracker/crypto"
import { Result } from "effect"
import { FrameEncoder } from "../protocol/codec/frames.ts"
import { encodeMessage } from "../protocol/codec/message.ts"
import { decodePeerData } from "../protocol/codec/peerData.ts"
import { type Action, type Event, GossipState, type Message, type ProtocolConfig, type Rng } from "../protocol/index.ts"
import type { Timers } from "../transport/Timers.ts"
import type { Connection, GossipTransport, TransportHandler } from "../transport/Transport.ts"
import { type Counters, type GossipStats, makeCounters } from "./Counters.ts"
import { OpenTopic } from "./OpenTopic.ts"
import { Outbound } from "./Outbound.ts"
import { Link, Peer } from "./Peer.ts"
import { Receiver } from "./Receiver.ts"
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

export class Engine implements TransportHandler {
  readonly options: EngineOptions
  readonly protocol: ProtocolConfig
  readonly timers: Timers
  readonly counters: Counters = makeCounters()
  /** One for all streams: it is empty between two uses. */
  readonly encoder: FrameEncoder
  readonly topics = new Map<string, OpenTopic>()
  private readonly transport: GossipTransport["Service"]
  private readonly state: GossipState
  private readonly peers = new Map<EndpointId.EndpointId, Peer>()
  /** Peers that no topic needs, until their connections are closed. */
  private readonly leaving = new Set<Peer>()
  private depth = 0
  private handling = false
  private flushing = false
  private readonly events: Array<Event> = []
  private readonly actions: Array<Action> = []
  private toFlush: Array<Outbound> = []
  private toWake: Array<Subscriber> = []
  private lastEncoded: { readonly message: Message; readonly bytes: Uint8Array } | undefined
  private isClosed = false

  constructor(transport: GossipTransport["Service"], options: EngineOptions) {
    this.transport = transport
    this.options = options
    this.protocol = options.protocol
    this.timers = transport.timers
    this.encoder = new FrameEncoder(options.protocol.maxMessageSize)
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

  private readonly flush = (): void => {
    this.flushing = false
    const toFlush = this.toFlush
    this.toFlush = []
    for (const outbound of toFlush) outbound.flush()
  }

  /** Gives an event to the state machine and does what it says. To be called within a turn. */
  feed(event: Event): void {
    this.events.push(event)
    if (this.handling) return
    this.handling = true
    const { events, actions } = this
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
    this.feed({ _tag: "Quit", topic: topic.id.hex })
    this.topics.delete(topic.id.hex)
    topic.close()
    this.exit()
    const ending: Array<Outbound> = []
    for (const peer of [...this.peers.values(), ...this.leaving]) {
      for (const outbound of peer.ending) if (outbound.topic.hex === topic.id.hex) ending.push(outbound)
    }
    return ending
  }

  /** Leaves every topic and closes every connection once what is queued has gone, but without waiting for the peers. */
  close(): void {
    this.isClosed = true
    for (const topic of [...this.topics.values()]) this.closeTopic(topic)
    for (const peer of [...this.peers.values(), ...this.leaving]) {
      const { links } = peer
      this.lose(peer)
      for (const link of links) link.connection.close()
    }
  }

  stats(): GossipStats {
    let connections = 0
    for (const peer of this.peers.values()) connections += peer.links.length
    for (const peer of this.leaving) connections += peer.links.length
    const protocol = { forgedPayloads: 0, duplicatePayloads: 0, droppedMessages: 0 }
    for (const key of this.topics.keys()) {
      const stats = this.state.stats(key)
      if (stats === undefined) continue
      protocol.forgedPayloads += stats.forgedPayloads
      protocol.duplicatePayloads += stats.duplicatePayloads
      protocol.droppedMessages += stats.droppedMessages
    }
    return {
      ...this.counters,
      ...protocol,
      topics: this.topics.size,
      peers: this.peers.size + this.leaving.size,
      connections,
      timers: this.timers.size,
    }
  }

  connected(connection: Connection, dialled: boolean): void {
    let peer = this.peers.get(connection.remoteId)
    // Nobody wants what we dialled for any more; an accepted one may be the start of something.
    if (this.isClosed || (peer === undefined && dialled)) {
      connection.close()
      return
    }
    if (peer === undefined) {
      peer = new Peer(connection.remoteId)
      this.peers.set(peer.id, peer)
    }
    const link = new Link(connection, peer)
    connection.onClosed(() => this.linkClosed(link))
    this.enter()
    peer.add(link)
    this.exit()
    this.acceptStreams(link)
  }

  dialFailed(id: EndpointId.EndpointId): void {
    this.counters.dialFailures++
    const peer = this.peers.get(id)
    if (peer !== undefined && peer.link === undefined) this.lose(peer)
  }

  /** @internal A stream of the peer has come to its end. */
  streamEnded(link: Link, receiver: Receiver): void {
    link.receivers.delete(receiver)
    this.closeIfQuiet(link.peer)
  }

  /** @internal */
  willFlush(outbound: Outbound): void {
    this.toFlush.push(outbound)
  }

  /** @internal */
  willWake(subscriber: Subscriber): void {
    this.toWake.push(subscriber)
    if (this.depth === 0)
      this.timers.soon(() => {
        this.enter()
        this.exit()
      })
  }

  /** @internal */
  congested(outbound: Outbound): void {
    this.topics.get(outbound.topic.hex)?.congested.add(outbound)
  }

  /** @internal */
  relieved(outbound: Outbound): void {
    this.topics.get(outbound.topic.hex)?.relievedBy(outbound)
  }

  private perform(action: Action): void {
    switch (action._tag) {
      case "Send":
        this.send(action.to, action.topic, action.message)
        return
      case "Emit":
        this.topics.get(action.topic)?.emit(action.event)
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
      case "DisconnectPeer":
        this.leave(action.peer)
        return
      case "PeerData": {
        const address = decodePeerData(action.data)
        if (Result.isSuccess(address) && action.peer !== this.transport.endpointId) {
          this.transport.learn(action.peer, address.success)
        }
      }
    }
  }

  private send(to: EndpointId.EndpointId, key: string, message: Message): void {
    let peer = this.peers.get(to)
    const isLast = message._tag === "Disconnect"
    if (isLast && peer?.link === undefined) {
      // Not connected yet: there is nobody to say goodbye to.
      peer?.outbound.get(key)?.drop()
      peer?.outbound.delete(key)
      return
    }
    if (peer === undefined) {
      peer = new Peer(to)
      this.peers.set(to, peer)
      this.counters.dials++
      this.transport.dial(to)
    }
    const bytes = this.encode(message)
    if (bytes === undefined) return
    let outbound = peer.outbound.get(key)
    if (outbound === undefined) {
      let predecessor: Outbound | undefined
      for (const ending of peer.ending) if (ending.topic.hex === key) predecessor = ending
      // Not every message is of a topic that we are in: others' requests are refused.
      const topic = this.topics.get(key)?.id ?? TopicId.fromBytes(Bytes.fromHex(key))
      outbound = new Outbound(this, peer, topic, predecessor)
      peer.outbound.set(key, outbound)
    }
    outbound.push(bytes)
    if (isLast) this.endOutbound(peer, outbound)
  }

  /** The message's bytes; a payload for several peers is encoded once. None when it is too large. */
  private encode(message: Message): Uint8Array | undefined {
    if (this.lastEncoded?.message === message) return this.lastEncoded.bytes
    const bytes = encodeMessage(message)
    if (bytes.length >= this.protocol.maxMessageSize) {
      this.counters.unsendable++
      return undefined
    }
    this.lastEncoded = { message, bytes }
    return bytes
  }

  private endOutbound(peer: Peer, outbound: Outbound): void {
    peer.outbound.delete(outbound.topic.hex)
    peer.ending.add(outbound)
    outbound.onceOver(() => {
      peer.ending.delete(outbound)
      this.closeIfQuiet(peer)
    })
    outbound.end()
  }

  /** No topic needs the peer: its connections close once everything has been said, by us and, within reason, by it. */
  private leave(id: EndpointId.EndpointId): void {
    const peer = this.peers.get(id)
    if (peer === undefined) return
    this.peers.delete(id)
    if (peer.link === undefined) {
      peer.dropAll()
      return
    }
    this.leaving.add(peer)
    for (const outbound of [...peer.outbound.values()]) this.endOutbound(peer, outbound)
    peer.lingering = this.timers.schedule(this.options.lingerMs, () => peer.closeAll())
    this.closeIfQuiet(peer)
  }

  private closeIfQuiet(peer: Peer): void {
    if (this.leaving.has(peer) && peer.isQuiet) peer.closeAll()
  }

  private acceptStreams(link: Link): void {
    link.connection.acceptStream((stream) => {
      if (stream === undefined) return
      const receiver = new Receiver(this, link, stream)
      link.receivers.add(receiver)
      receiver.read()
      this.acceptStreams(link)
    })
  }

  private linkClosed(link: Link): void {
    const { peer } = link
    this.enter()
    for (const receiver of [...link.receivers]) receiver.abandon()
    peer.remove(link)
    if (peer.link === undefined) this.lose(peer)
    this.exit()
  }

  /** The peer cannot be reached, now or any more. */
  private lose(peer: Peer): void {
    const isCurrent = this.peers.get(peer.id) === peer
    if (isCurrent) this.peers.delete(peer.id)
    this.leaving.delete(peer)
    if (peer.lingering !== undefined) this.timers.cancel(peer.lingering)
    peer.dropAll()
    if (isCurrent) this.turn({ _tag: "PeerDisconnected", peer: peer.id })
  }
}
