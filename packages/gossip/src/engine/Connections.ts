/**
 * Whom the engine is connected with: dials when the protocol has something to say to a stranger, reads what comes in, closes
 * what no topic needs. The protocol is told that a peer is gone only when its last connection is.
 */
import { Bytes } from "@topic-tracker/common"
import { type EndpointId, TopicId } from "@topic-tracker/crypto"
import { encodeMessage } from "../protocol/codec/message.ts"
import type { Message, TopicKey } from "../protocol/index.ts"
import type { Connection, GossipTransport, TransportHandler } from "../transport/Transport.ts"
import type { Engine } from "./Engine.ts"
import { Outbound } from "./Outbound.ts"
import { Link, Peer } from "./Peer.ts"
import { Receiver } from "./Receiver.ts"

/** A peer is told at most of so many topics at a time that we are not in them. */
const maxRefusals = 256

/** A peer that connects and has nothing to do with any topic after so long, in milliseconds, is hung up on. */
const unusedMs = 60_000

/** Connections of one peer beyond the newest; of more, the oldest are closed. */
const maxOlder = 15

export class Connections implements TransportHandler {
  private readonly engine: Engine
  private readonly transport: GossipTransport["Service"]
  private readonly peers = new Map<EndpointId.EndpointId, Peer>()
  /** Peers that no topic needs, until their connections are closed. */
  private readonly leaving = new Set<Peer>()
  private lastEncoded: { readonly message: Message; readonly bytes: Uint8Array } | undefined
  private isClosed = false

  constructor(engine: Engine, transport: GossipTransport["Service"]) {
    this.engine = engine
    this.transport = transport
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
      this.hangUpUnused(peer)
    }
    const link = new Link(connection, peer)
    connection.onClosed(() => this.closed(link))
    peer.add(link)
    for (const { connection } of peer.older.slice(0, -maxOlder)) connection.close()
    this.acceptStreams(link)
  }

  dialFailed(id: EndpointId.EndpointId): void {
    this.engine.counters.dialFailures++
    const peer = this.peers.get(id)
    if (peer !== undefined && peer.link === undefined) this.lose(peer)
  }

  /** Queues the message for the peer, whom it dials when there is no connection. */
  send(to: EndpointId.EndpointId, key: TopicKey, message: Message): void {
    let peer = this.peers.get(to)
    const isLast = message._tag === "Disconnect"
    if (isLast && peer?.link === undefined) {
      // Not connected yet: there is nobody to say goodbye to.
      peer?.outbound.get(key)?.drop()
      peer?.outbound.delete(key)
      return
    }
    if (isLast && !peer?.outbound.has(key) && this.isTold(peer!, key)) return
    const bytes = this.encode(message)
    if (bytes === undefined) return
    if (peer === undefined) {
      peer = new Peer(to)
      this.peers.set(to, peer)
      this.engine.counters.dials++
      this.transport.dial(to)
    }
    const outbound = peer.outbound.get(key) ?? this.newOutbound(peer, key)
    outbound.push(bytes)
    if (isLast) this.end(peer, outbound)
  }

  /** No topic needs the peer: its connections close once everything has been said, by us and, within reason, by it. */
  leave(id: EndpointId.EndpointId): void {
    const peer = this.peers.get(id)
    if (peer === undefined) return
    this.peers.delete(id)
    if (peer.link === undefined) {
      peer.dropAll()
      return
    }
    this.leaving.add(peer)
    if (peer.lingering !== undefined) this.engine.timers.cancel(peer.lingering)
    peer.lingering = this.engine.timers.schedule(this.engine.options.lingerMs, () => peer.closeAll())
    for (const outbound of [...peer.outbound.values()]) this.end(peer, outbound)
    this.closeIfQuiet(peer)
  }

  /**
   * @internal The peer asks to be let in on a connection that is about to be hung up: it stays, or we would have to dial who has
   * dialled us, which not everyone allows.
   */
  keep(peer: Peer): void {
    if (!this.leaving.has(peer) || peer.isClosing || this.peers.has(peer.id)) return
    this.leaving.delete(peer)
    if (peer.lingering !== undefined) this.engine.timers.cancel(peer.lingering)
    this.peers.set(peer.id, peer)
    this.hangUpUnused(peer)
  }

  /** The queues that hold the topic's last messages. */
  endingOf(topic: TopicId): ReadonlyArray<Outbound> {
    const ending: Array<Outbound> = []
    for (const peer of this.all()) {
      for (const outbound of peer.ending) if (outbound.topic.hex === topic.hex) ending.push(outbound)
    }
    return ending
  }

  /** @internal A stream of the peer has come to its end. */
  streamEnded(link: Link, receiver: Receiver): void {
    link.receivers.delete(receiver)
    this.closeIfQuiet(link.peer)
  }

  count(): { readonly peers: number; readonly connections: number } {
    const all = this.all()
    return { peers: all.length, connections: all.reduce((sum, peer) => sum + peer.links.length, 0) }
  }

  close(): void {
    this.isClosed = true
    for (const peer of this.all()) {
      const { links } = peer
      this.lose(peer)
      for (const link of links) link.connection.close()
    }
  }

  private all(): ReadonlyArray<Peer> {
    return [...this.peers.values(), ...this.leaving]
  }

  /** Whether it need not be said that we are not in the topic: it is on its way, or the peer has asked for too many. */
  private isTold(peer: Peer, key: TopicKey): boolean {
    for (const ending of peer.ending) if (ending.topic.hex === key) return true
    return peer.ending.size >= maxRefusals && !this.engine.topics.has(key)
  }

  private hangUpUnused(peer: Peer): void {
    peer.lingering = this.engine.timers.schedule(unusedMs, () => {
      if (!this.engine.usesConnection(peer.id)) this.leave(peer.id)
    })
  }

  private newOutbound(peer: Peer, key: TopicKey): Outbound {
    let predecessor: Outbound | undefined
    for (const ending of peer.ending) if (ending.topic.hex === key) predecessor = ending
    // Not every message is of a topic that we are in: others' requests are refused.
    const topic = this.engine.topics.get(key)?.id ?? TopicId.fromBytes(Bytes.fromHex(key))
    const outbound = new Outbound(this.engine, peer, topic, predecessor)
    peer.outbound.set(key, outbound)
    return outbound
  }

  /** The message's bytes; a payload for several peers is encoded once. None when it is too large. */
  private encode(message: Message): Uint8Array | undefined {
    if (this.lastEncoded?.message === message) return this.lastEncoded.bytes
    const bytes = encodeMessage(message)
    if (bytes.length >= this.engine.options.protocol.maxMessageSize) {
      this.engine.counters.unsendable++
      return undefined
    }
    this.lastEncoded = { message, bytes }
    return bytes
  }

  /** Nothing more goes out on the queue. */
  private end(peer: Peer, outbound: Outbound): void {
    peer.outbound.delete(outbound.topic.hex)
    peer.ending.add(outbound)
    outbound.onceOver(() => {
      peer.ending.delete(outbound)
      this.closeIfQuiet(peer)
    })
    outbound.end()
  }

  private closeIfQuiet(peer: Peer): void {
    if (this.leaving.has(peer) && peer.isQuiet) peer.closeAll()
  }

  private acceptStreams(link: Link): void {
    link.connection.acceptStream((stream) => {
      if (stream === undefined) return
      const receiver = new Receiver(this.engine, link, stream)
      link.receivers.add(receiver)
      receiver.read()
      this.acceptStreams(link)
    })
  }

  private closed(link: Link): void {
    const { peer } = link
    for (const receiver of [...link.receivers]) receiver.abandon()
    peer.remove(link)
    if (peer.link === undefined) this.lose(peer)
  }

  /** The peer cannot be reached, now or any more. */
  private lose(peer: Peer): void {
    const isCurrent = this.peers.get(peer.id) === peer
    if (isCurrent) this.peers.delete(peer.id)
    this.leaving.delete(peer)
    if (peer.lingering !== undefined) this.engine.timers.cancel(peer.lingering)
    peer.dropAll()
    if (isCurrent) this.engine.turn({ _tag: "PeerDisconnected", peer: peer.id })
  }
}
