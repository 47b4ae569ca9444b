/**
 * All peers of the engine. It dials a peer when the protocol has a message for it and there is no connection, reads incoming streams,
 * and closes connections that no topic needs. The protocol gets PeerDisconnected only when the last connection of a peer is gone.
 */
import { Bytes } from "@topic-tracker/common"
import { type EndpointId, TopicId } from "@topic-tracker/crypto"
import type { DialOrigin } from "../AddressLookup.ts"
import type { Message, TopicKey } from "../protocol/index.ts"
import type { Connection, GossipTransport, StreamLimits, TransportHandler } from "../transport/Transport.ts"
import type { EngineContext } from "./context.ts"
import type { OpenTopic } from "./OpenTopic.ts"
import { Link, Peer } from "./Peer.ts"
import { RefusedPeers } from "./RefusedPeers.ts"
import { SendQueue, type SendQueueHooks } from "./SendQueue.ts"
import { StreamReader, type StreamSource } from "./StreamReader.ts"
import { PeerBudget, TotalBudget } from "./WorkBudget.ts"

/** A peer that connects and that no topic uses after this time is disconnected. */
const UNUSED_MS = 60_000

/** Connections of one peer beyond the newest. If there are more, the oldest are closed. */
const MAX_OLDER_LINKS = 15

/** The work for a stream that a peer opens, in estimated microseconds of processor time: see WorkBudget.ts. */
const STREAM_COST = 150

/** The unread bytes of a stream, as much as QUIC allows (1.25 MB), with packet headers. */
const UNREAD_BYTES_OF_STREAM = 1_500_000

/** The limits for a peer that is a neighbour in `topics` topics. A peer may be about to join in as many again. */
const limitsOf = (topics: number): StreamLimits => ({
  uni: Math.max(64, 2 * topics + 32),
  unreadBytes: UNREAD_BYTES_OF_STREAM * (topics + 1),
})

/** The reason for a message to a peer. */
export interface SendReason {
  /** The message is a payload that the peer grafted. */
  readonly isAnswer: boolean
  /** The reason for the dial that the message may cause. */
  readonly origin: DialOrigin
}

export interface PeerManagerOptions {
  readonly context: EngineContext
  readonly transport: Pick<GossipTransport["Service"], "dial" | "processorMs">
  readonly topics: ReadonlyMap<TopicKey, OpenTopic>
  /** Whether some topic needs the connection to the peer. */
  readonly usesConnection: (peer: EndpointId.EndpointId) => boolean
}

export class PeerManager implements TransportHandler {
  private readonly options: PeerManagerOptions
  private readonly context: EngineContext
  private readonly queueHooks: SendQueueHooks
  private readonly peers = new Map<EndpointId.EndpointId, Peer>()
  /** Peers that no topic needs, until their connections are closed. */
  private readonly leaving = new Set<Peer>()
  private readonly refused = new RefusedPeers()
  private readonly totalBudget: TotalBudget
  private isClosed = false

  constructor(options: PeerManagerOptions) {
    this.options = options
    this.context = options.context
    this.totalBudget = new TotalBudget(options.context.timers, options.transport.processorMs)
    this.queueHooks = {
      congested: (queue) => options.topics.get(queue.topic.hex)?.addCongested(queue),
      slowed: (queue) => options.topics.get(queue.topic.hex)?.markSlow(queue),
      relieved: (queue) => options.topics.get(queue.topic.hex)?.removeCongested(queue),
      drained: (queue) => {
        const topic = options.topics.get(queue.topic.hex)
        topic?.drained(() => this.fullestQueue(topic))
      },
      isHeldBack: (queue) => options.topics.get(queue.topic.hex)?.areAllSlow === true,
      stalled: (queue, isHeldBack) => this.giveUpStalled(queue, isHeldBack),
    }
  }

  connected(connection: Connection, isDialled: boolean): void {
    this.guard(connection.remoteId, () => this.addConnection(connection, isDialled))
  }

  private addConnection(connection: Connection, isDialled: boolean): void {
    let peer = this.peers.get(connection.remoteId)
    // A connection that we dialled and no longer need is closed. An accepted one is kept: the peer may be about to use it.
    if (this.isClosed || (peer === undefined && isDialled)) {
      connection.close()
      return
    }
    if (this.isRefused(connection.remoteId)) {
      connection.close()
      if (peer !== undefined && peer.link === undefined) this.remove(peer)
      return
    }
    if (peer === undefined) {
      peer = this.addPeer(this.makePeer(connection.remoteId))
      this.disconnectIfUnused(peer)
    }
    const { id } = peer
    const link = new Link(connection)
    if (peer.sharedTopics > 0) connection.limitStreams(limitsOf(peer.sharedTopics))
    connection.onClosed(() => this.guard(id, () => this.linkClosed(peer, link)))
    peer.addLink(link)
    for (const { connection } of peer.older.slice(0, -MAX_OLDER_LINKS)) connection.close()
    this.acceptStreams(link, {
      from: peer.id,
      readers: link.readers,
      topics: this.options.topics,
      budget: peer.budget,
      onRequest: () => this.keep(peer),
      onMalformed: () => {
        if (this.refused.isMalformedTooOften(id, this.context.timers.now())) this.expel(id)
      },
      onEnded: (reader) => {
        link.readers.delete(reader)
        this.closeIfQuiet(peer)
      },
    })
  }

  isNeeded(id: EndpointId.EndpointId): boolean {
    return this.options.usesConnection(id)
  }

  /** The number of topics in which the peer is a neighbour has changed. Its streams grow with it: one for each topic and direction. */
  sharedTopicsChanged(id: EndpointId.EndpointId): void {
    const peer = this.peers.get(id)
    if (peer === undefined) return
    let count = 0
    for (const topic of this.options.topics.values()) if (topic.neighbors.has(id)) count++
    if (count === peer.sharedTopics) return
    peer.sharedTopics = count
    peer.budget.isNeighbor = count > 0
    for (const { connection } of peer.links) connection.limitStreams(limitsOf(count))
  }

  dialFailed(id: EndpointId.EndpointId): void {
    this.context.counters.dialFailures++
    const peer = this.peers.get(id)
    if (peer !== undefined && peer.link === undefined) this.guard(undefined, () => this.remove(peer))
  }

  /** Closes the connections of a peer and refuses it for a while. */
  expel(id: EndpointId.EndpointId): void {
    const { counters, timers } = this.context
    const peers = this.all().filter((peer) => peer.id === id && !peer.isClosing)
    if (peers.length === 0) return
    counters.expelled++
    this.refused.refuse(id, timers.now())
    for (const peer of peers) {
      peer.isClosing = true
      peer.budget.isClosed = true
      // After the event that is being handled.
      timers.runSoon(() => this.guard(undefined, () => peer.closeAll()))
    }
  }

  /** Queues the message for the peer. Dials the peer if there is no connection. */
  send(to: EndpointId.EndpointId, key: TopicKey, message: Message, { isAnswer, origin }: SendReason): void {
    let peer = this.peers.get(to)
    const isLast = message._tag === "Disconnect"
    if (isLast) {
      if (peer?.link === undefined) {
        // Not connected yet, so the peer needs no Disconnect.
        peer?.queues.get(key)?.drop()
        peer?.queues.delete(key)
        return
      }
      if (!peer.queues.has(key) && this.isRefusalSuperfluous(peer, key)) return
    }
    if ((message._tag === "Gossip" && !isAnswer) || message._tag === "IHave") {
      const queue = peer?.queues.get(key)
      if (queue?.isWithholding(message) === true) {
        queue.withhold(message)
        return
      }
    }
    const bytes = this.context.encoder.encode(message)
    if (bytes === undefined) {
      this.context.counters.unsendable++
      return
    }
    if (peer === undefined) {
      if (this.isRefused(to)) {
        // As after a dial that failed.
        this.context.timers.runSoon(() => this.context.dispatch({ _tag: "PeerDisconnected", peer: to }))
        return
      }
      peer = this.addPeer(this.makePeer(to))
      this.context.counters.dials++
      peer.isDialledForGossip = origin === "gossip"
      this.options.transport.dial(to, { origin })
    } else if (peer.isDialledForGossip && origin === "wanted") {
      peer.isDialledForGossip = false
      if (peer.link === undefined) this.options.transport.dial(to, { origin })
    }
    const queue = peer.queues.get(key) ?? this.addQueue(peer, key)
    if (message._tag === "Gossip") queue.pushPayload(bytes, isAnswer)
    else queue.push(bytes)
    if (isLast) this.endQueue(peer, queue)
  }

  /** No topic needs the peer: its connections close when our last messages are out and, for up to `lingerMs`, the peer's are in. */
  release(id: EndpointId.EndpointId): void {
    const peer = this.peers.get(id)
    if (peer === undefined) return
    this.peers.delete(id)
    if (peer.link === undefined) {
      peer.dropQueues()
      return
    }
    this.leaving.add(peer)
    this.startLingerTimer(peer, this.context.options.lingerMs, () => peer.closeAll())
    for (const queue of [...peer.queues.values()]) this.endQueue(peer, queue)
    this.closeIfQuiet(peer)
  }

  /** Closes the connections of a peer that takes too little. It may not come back at once, unless its topic waited for it. */
  private giveUpStalled(queue: SendQueue, isHeldBack: boolean): void {
    this.context.counters.stalls++
    const { id } = queue.target
    if (!isHeldBack) this.expel(id)
    else for (const peer of this.all()) if (peer.id === id) peer.closeAll()
  }

  private isRefused(id: EndpointId.EndpointId): boolean {
    if (!this.refused.isRefused(id, this.context.timers.now())) return false
    this.context.counters.refused++
    return true
  }

  /** The bytes in the longest queue to a neighbour of the topic that payloads go to. */
  fullestQueue(topic: OpenTopic): number {
    let bytes = 0
    for (const id of topic.neighbors) {
      const queue = this.peers.get(id)?.queues.get(topic.id.hex)
      if (queue !== undefined && !queue.isWithheldFrom) bytes = Math.max(bytes, queue.size)
    }
    return bytes
  }

  /** The queues that hold the last messages of the topic. */
  endingQueues(topic: TopicId): ReadonlyArray<SendQueue> {
    return this.all().flatMap((peer) => [...peer.ending].filter((queue) => queue.topic.hex === topic.hex))
  }

  count(): { readonly peers: number; readonly connections: number } {
    const all = this.all()
    return { peers: all.length, connections: all.reduce((sum, peer) => sum + peer.links.length, 0) }
  }

  /** Closes every connection without waiting for queued messages. */
  close(): void {
    this.isClosed = true
    for (const peer of this.all()) {
      const { links } = peer
      this.remove(peer)
      for (const link of links) link.connection.close()
    }
  }

  private all(): ReadonlyArray<Peer> {
    return [...this.peers.values(), ...this.leaving]
  }

  private makePeer(id: EndpointId.EndpointId): Peer {
    const { counters, timers } = this.context
    const budget = new PeerBudget(timers, this.totalBudget, (isTooLong) => {
      counters.throttled++
      if (isTooLong) this.expel(id)
    })
    return new Peer(id, budget)
  }

  /** Runs a part of the engine for the transport, which expects that nothing throws. */
  private guard(peer: EndpointId.EndpointId | undefined, run: () => void): void {
    try {
      run()
    } catch (defect) {
      this.context.fail(defect, peer)
    }
  }

  private addPeer(peer: Peer): Peer {
    this.peers.set(peer.id, peer)
    return peer
  }

  /**
   * The peer asks to become a neighbour while its connection is about to be closed. The connection stays: otherwise we would have to
   * dial a peer that has dialled us, and not every peer can be dialled.
   */
  private keep(peer: Peer): void {
    if (!this.leaving.has(peer) || peer.isClosing || this.peers.has(peer.id)) return
    this.leaving.delete(peer)
    this.addPeer(peer)
    this.disconnectIfUnused(peer)
  }

  /** Whether no refusal is sent for this topic: one is on its way already, or too many others are. */
  private isRefusalSuperfluous(peer: Peer, key: TopicKey): boolean {
    if (peer.endingQueue(key) !== undefined) return true
    if (this.options.topics.has(key)) return false
    return peer.hasTooManyRefusals || !peer.mayRefuse(key, this.context.timers.now())
  }

  private disconnectIfUnused(peer: Peer): void {
    this.startLingerTimer(peer, UNUSED_MS, () => {
      if (!this.options.usesConnection(peer.id)) this.release(peer.id)
    })
  }

  private startLingerTimer(peer: Peer, delayMs: number, run: () => void): void {
    this.stopLingerTimer(peer)
    peer.lingerTimer = this.context.timers.schedule(delayMs, () => this.guard(undefined, run))
  }

  private stopLingerTimer(peer: Peer): void {
    if (peer.lingerTimer !== undefined) this.context.timers.cancel(peer.lingerTimer)
  }

  private addQueue(peer: Peer, key: TopicKey): SendQueue {
    const queue = new SendQueue({
      context: this.context,
      hooks: this.queueHooks,
      target: peer,
      // The topic may not be open here: refusals are sent for such topics.
      topic: this.options.topics.get(key)?.id ?? TopicId.fromBytes(Bytes.fromHex(key)),
      predecessor: peer.endingQueue(key),
    })
    peer.queues.set(key, queue)
    return queue
  }

  private endQueue(peer: Peer, queue: SendQueue): void {
    peer.endQueue(queue, () => this.closeIfQuiet(peer))
  }

  private closeIfQuiet(peer: Peer): void {
    if (this.leaving.has(peer) && peer.isQuiet) peer.closeAll()
  }

  private acceptStreams(link: Link, source: StreamSource): void {
    const { budget, from } = source
    const next = {
      proceed: () => {
        if (!link.isClosed && !budget.isClosed && budget.mayWork(next)) this.acceptStreams(link, source)
      },
    }
    link.connection.acceptStream((stream) => {
      if (stream === undefined) return
      budget.spend(STREAM_COST)
      this.guard(from, () => {
        const reader = new StreamReader(this.context, source, stream)
        link.readers.add(reader)
        reader.read()
      })
      next.proceed()
    })
  }

  private linkClosed(peer: Peer, link: Link): void {
    for (const reader of [...link.readers]) reader.abandon()
    peer.removeLink(link)
    if (peer.link === undefined) this.remove(peer)
  }

  /** The peer cannot be reached, or its last connection is gone. */
  private remove(peer: Peer): void {
    const isCurrent = this.peers.get(peer.id) === peer
    if (isCurrent) this.peers.delete(peer.id)
    this.leaving.delete(peer)
    this.stopLingerTimer(peer)
    peer.dropQueues()
    if (isCurrent) this.context.dispatch({ _tag: "PeerDisconnected", peer: peer.id })
  }
}
