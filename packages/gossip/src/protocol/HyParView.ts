/**
 * The HyParView membership protocol of one topic: a small active view of peers that are connected to us both ways, and a
 * larger passive view of contacts to fill it from. It knows nothing of payloads.
 *
 * Source: Leitão, Pereira, Rodrigues, "HyParView: a membership protocol for reliable gossip-based broadcast", DSN 2007
 * (page numbers below are that paper's), in the form that iroh-gossip 0.101 gave it (`src/proto/hyparview.rs`). Where this
 * differs from iroh-gossip, the bytes are the same and the comment says why.
 */
import type { MembershipConfig } from "./Config.ts"
import type { NeighborDownReason } from "./Event.ts"
import { IndexedSet } from "./IndexedSet.ts"
import type { Disconnect, ForwardJoin, Neighbor, PeerInfo, PeerKey, Shuffle, SwarmMessage } from "./Message.ts"
import { PeerDirectory } from "./PeerDirectory.ts"
import type { TopicIo } from "./TopicIo.ts"

export class HyParView<P extends PeerKey> {
  /** Peers that we are connected to, both ways. */
  readonly active = new IndexedSet<P>()
  /** Peers that we know of. */
  readonly passive = new IndexedSet<P>()
  private readonly io: TopicIo<P>
  private readonly config: MembershipConfig
  private readonly peers: PeerDirectory<P>
  private ownData: Uint8Array
  /** Peers asked to be neighbours that have not answered, each with the number of the request. */
  private readonly pending = new Map<P, number>()
  private requests = 0
  /**
   * Neighbours that were asked and whose time is over: what they send next is still the answer when the way to them and back
   * takes longer than that time. Who answers an answer is answered again, and so on without end.
   */
  private readonly overdue = new Set<P>()
  /** Peers that had no room for us. In a swarm that is full but for us, we would else ask them in turn without end. */
  private readonly refusals = new Set<P>()
  /** Peers that said they stay in the swarm: when their connection closes they remain contacts. */
  private readonly stayingAlive = new Set<P>()
  private refillScheduled = false
  private readonly exact: boolean

  constructor(options: {
    readonly io: TopicIo<P>
    readonly config: MembershipConfig
    readonly ownData: Uint8Array
    readonly maxMessageSize: number
  }) {
    const { config } = options
    this.io = options.io
    this.config = config
    this.ownData = options.ownData
    this.exact = config.requestBookkeeping === "exact"
    this.peers = new PeerDirectory({
      // A Shuffle must fit into one message with every contact's data at this size; 37: id, option tag and length prefix.
      maxSize: Math.floor((options.maxMessageSize - 48) / (this.shuffleSize + 1)) - 37,
      sweepAt: 2 * (config.activeViewCapacity + config.passiveViewCapacity) + 16,
      isKept: (peer) => this.active.has(peer) || this.passive.has(peer) || this.pending.has(peer),
      announce: this.io.peerData,
    })
  }

  /** The first of the timer that never stops. */
  start(): void {
    this.io.schedule(this.config.shuffleIntervalMs, { _tag: "Shuffle" })
  }

  /** Bounds that tests hold us to. */
  get sizes() {
    return { pending: this.pending.size, stayingAlive: this.stayingAlive.size, peerData: this.peers.size }
  }

  /** Whether the peer is a neighbour, or has been asked to become one. */
  isTiedTo(peer: P): boolean {
    return this.active.has(peer) || this.pending.has(peer)
  }

  setOwnData(data: Uint8Array): void {
    this.ownData = data
  }

  join(peer: P): void {
    if (peer !== this.io.me) this.io.send(peer, { _tag: "Join", data: this.ownData })
  }

  /**
   * A member asks for one link, with the priority that is never refused (p. 7). A Join would do too, but tells the peer's
   * neighbours to make links to us as well: a newcomer needs them, and a member loses as many of those it has.
   */
  connect(peer: P): void {
    if (peer !== this.io.me && !this.active.has(peer)) this.request(peer, "high")
  }

  /** Tells every neighbour, and every peer asked to become one, that we leave the swarm. */
  quit(): void {
    const peers = new Set([...this.active.values, ...this.pending.keys()])
    for (const peer of peers) {
      this.active.delete(peer)
      this.pending.delete(peer)
      this.sendDisconnect(peer, false)
    }
  }

  receive(from: P, message: SwarmMessage<P>): void {
    switch (message._tag) {
      case "Join":
        this.onJoin(from, message.data)
        break
      case "ForwardJoin":
        this.onForwardJoin(from, message)
        break
      case "Shuffle":
        this.onShuffle(from, message)
        break
      case "ShuffleReply":
        this.addContacts(message.nodes)
        this.refill()
        break
      case "Neighbor":
        this.onNeighbor(from, message)
        break
      case "Disconnect":
        this.onDisconnect(from, message)
        return
    }
    // Connections are kept to neighbours, and to peers asked to become one (iroh-gossip closes those too, and so its own
    // request); a message from anyone else was the only thing that one was opened for.
    if (!this.active.has(from) && !(this.exact && this.pending.has(from))) this.io.disconnect(from)
  }

  /** The connection to the peer closed, or could not be made. */
  connectionClosed(peer: P): void {
    const wasAsked = this.pending.delete(peer)
    if (this.active.has(peer)) {
      const alive = this.stayingAlive.delete(peer)
      this.removeActive(peer, "lost")
      if (alive) this.addPassive(peer, undefined)
      else this.peers.forget(peer)
      this.refill(peer)
      return
    }
    if (!this.stayingAlive.delete(peer)) {
      this.passive.delete(peer)
      this.peers.forget(peer)
    }
    // "Another node is selected at random and a new attempt is made" (p. 7). In iroh-gossip that attempt was the last until
    // something else happens, for the request's timer finds nothing to do any more.
    if (this.exact && wasAsked) this.refillLater()
  }

  /** It is time to offer some of our contacts to another part of the swarm (p. 8). */
  onShuffleTimer(): void {
    // No answer is as late as that. Others were owed none: it was we who answered.
    this.overdue.clear()
    this.refusals.clear()
    const target = this.active.pick(this.io.rng)
    if (target !== undefined) {
      const isTarget = (peer: P) => peer === target
      const { shuffleActiveViewCount, shufflePassiveViewCount, shuffleRandomWalkLength } = this.config
      const nodes = this.active
        .sample(this.io.rng, shuffleActiveViewCount, isTarget)
        .concat(this.passive.sample(this.io.rng, shufflePassiveViewCount, isTarget))
        .map((peer) => this.peers.info(peer))
      nodes.push({ id: this.io.me, data: this.ownData })
      this.io.send(target, { _tag: "Shuffle", origin: this.io.me, nodes, ttl: shuffleRandomWalkLength })
    } else {
      // iroh-gossip does nothing here and so stays alone for good with contacts at hand.
      this.refill()
    }
    this.io.schedule(this.config.shuffleIntervalMs, { _tag: "Shuffle" })
  }

  /**
   * A peer had its time to answer request number `request`: the next contact gets its turn. Who answers later, over a long way or
   * after a long dial, becomes a neighbour all the same, so the connection stays until it is seen to be idle.
   */
  onNeighborRequestTimer(peer: P, request: number): void {
    if (this.pending.get(peer) !== request) return
    this.pending.delete(peer)
    if (!this.active.has(peer)) this.dropContact(peer)
    else if (this.exact) this.overdue.add(peer)
    this.refill()
  }

  onRefillTimer(): void {
    this.refillScheduled = false
    this.refill()
  }

  /**
   * "A node that receives a join request will start by adding the new node to its active view, even if it has to drop a
   * random node from it" (p. 6); it then tells its other neighbours, which pass the news on for ARWL hops.
   */
  private onJoin(peer: P, data: Uint8Array | undefined): void {
    if (peer === this.io.me) return
    this.addActive(peer, data, "high")
    this.request(peer, "high")
    const message: ForwardJoin<P> = {
      _tag: "ForwardJoin",
      peer: { id: peer, data },
      ttl: this.config.activeRandomWalkLength,
    }
    for (const neighbor of this.active.values) if (neighbor !== peer) this.io.send(neighbor, message)
  }

  /** One step of a new member's random walk (p. 7). */
  private onForwardJoin(from: P, message: ForwardJoin<P>): void {
    const { id, data } = message.peer
    // Our own walk coming back to us: iroh-gossip would ask itself to be its neighbour.
    if (id === this.io.me) {
      this.drop()
      return
    }
    const ttl = Math.min(message.ttl, this.config.activeRandomWalkLength)
    // At the end of the walk the paper adds the peer at once; we ask first and add it when it answers, so that nobody who
    // cannot be reached gets into the active view (iroh-gossip does the same). A neighbour already: the tie is renewed.
    if (this.active.has(id) || ttl === 0 || this.active.size <= 1) {
      this.peers.learn(id, data)
      this.request(id, "high")
      return
    }
    if (ttl === this.config.passiveRandomWalkLength) this.addPassive(id, data)
    if (this.pending.has(id)) return
    const next = this.active.pickExcept(this.io.rng, (peer) => peer === from)
    if (next !== undefined) this.io.send(next, { _tag: "ForwardJoin", peer: message.peer, ttl: ttl - 1 })
  }

  /**
   * A request is accepted whenever its priority is high, "even if it has to drop a random member", else if there is a free
   * slot (p. 7). What answers a request of ours is not answered again.
   */
  private onNeighbor(from: P, message: Neighbor): void {
    if (from === this.io.me) {
      this.drop()
      return
    }
    const isLate = this.overdue.delete(from)
    const isAnswer = this.pending.delete(from) || isLate
    if (!this.addActive(from, message.data, message.priority)) {
      this.sendDisconnect(from, true)
    } else if (!isAnswer) {
      // Noted as a request of our own, although no answer will come: should both sides think that they were asked, that is
      // what ends their exchange.
      this.request(from, message.priority)
    }
  }

  private onDisconnect(from: P, message: Disconnect): void {
    this.pending.delete(from)
    if (this.active.has(from)) {
      this.removeActive(from, message.alive ? "replaced" : "left")
      if (message.alive) this.keepAsContact(from)
      else this.peers.forget(from)
      this.refill(from)
    } else if (message.alive) {
      // Also when its time is over and it is no contact any more: others will name it again.
      if (this.exact) this.refusals.add(from)
      if (this.passive.has(from)) this.stayingAlive.add(from)
    }
  }

  /**
   * A step of a random walk with another member's contacts; who is at its end takes them and answers with as many of its
   * own (p. 8).
   */
  private onShuffle(from: P, message: Shuffle<P>): void {
    if (message.origin === this.io.me) {
      this.drop()
      return
    }
    const ttl = Math.min(message.ttl, this.config.shuffleRandomWalkLength)
    if (ttl === 0 || this.active.size <= 1) {
      this.addContacts(message.nodes)
      this.sendShuffleReply(message.origin, Math.min(message.nodes.length, this.shuffleSize + 1))
      return
    }
    const next = this.active.pickExcept(this.io.rng, (peer) => peer === from || peer === message.origin)
    if (next !== undefined) this.io.send(next, { ...message, ttl: ttl - 1 })
  }

  private sendShuffleReply(to: P, count: number): void {
    const nodes = this.passive.sample(this.io.rng, count)
    if (nodes.length < count) nodes.push(...this.active.sample(this.io.rng, count - nodes.length))
    this.io.send(to, { _tag: "ShuffleReply", nodes: nodes.map((peer) => this.peers.info(peer)) })
  }

  /** Contacts first, so that a peer who just joined through us is not left without any (iroh-gossip `send_disconnect`). */
  private sendDisconnect(peer: P, alive: boolean): void {
    // What crosses this on its way is no answer to an earlier request of ours any more, and must be answered itself: else one
    // side would have a neighbour that does not have it.
    if (this.exact) this.pending.delete(peer)
    this.sendShuffleReply(peer, this.shuffleSize)
    this.io.send(peer, { _tag: "Disconnect", alive, respond: false })
    this.io.disconnect(peer)
  }

  private get shuffleSize(): number {
    return this.config.shuffleActiveViewCount + this.config.shufflePassiveViewCount
  }

  /**
   * Asks a peer to be our neighbour, unless it has been asked and not yet answered. Every request ends after a time;
   * iroh-gossip times only those to contacts.
   */
  private request(peer: P, priority: Neighbor["priority"], timed = this.exact): void {
    if (this.pending.has(peer)) return
    const request = ++this.requests
    this.pending.set(peer, request)
    this.io.send(peer, { _tag: "Neighbor", priority, data: this.ownData })
    if (!timed) return
    this.io.schedule(this.config.neighborRequestTimeoutMs, { _tag: "NeighborRequest", peer, request })
  }

  /** Makes the peer a neighbour if its priority or a free slot allows; whether it is one now. */
  private addActive(peer: P, data: Uint8Array | undefined, priority: Neighbor["priority"]): boolean {
    this.peers.learn(peer, data)
    if (this.active.has(peer)) return true
    if (this.active.size >= this.config.activeViewCapacity) {
      if (priority === "low") return false
      const dropped = this.active.pick(this.io.rng) as P
      this.removeActive(dropped, "replaced", () => this.sendDisconnect(dropped, true))
      this.keepAsContact(dropped)
    }
    this.passive.delete(peer)
    if (this.exact) this.stayingAlive.delete(peer)
    this.active.add(peer)
    this.io.neighborUp(peer)
    return true
  }

  private removeActive(peer: P, reason: NeighborDownReason, close = () => this.io.disconnect(peer)): void {
    this.active.delete(peer)
    this.overdue.delete(peer)
    // Others may have lost it too, and have room now.
    this.refusals.clear()
    this.io.neighborDown(peer, reason)
    close()
  }

  /** The peer is alive and its connection about to close: it stays a contact. */
  private keepAsContact(peer: P): void {
    this.addPassive(peer, undefined)
    if (this.passive.has(peer)) this.stayingAlive.add(peer)
  }

  /** No more than a Shuffle of ours would hold: a message cannot replace our whole passive view. */
  private addContacts(nodes: ReadonlyArray<PeerInfo<P>>): void {
    const count = Math.min(nodes.length, this.shuffleSize + 1)
    for (let i = 0; i < count; i++) this.addPassive(nodes[i]!.id, nodes[i]!.data)
  }

  private addPassive(peer: P, data: Uint8Array | undefined): void {
    if (peer === this.io.me) return
    this.peers.learn(peer, data)
    if (this.active.has(peer) || this.passive.has(peer)) return
    if (this.passive.size >= this.config.passiveViewCapacity) {
      this.dropContact(this.passive.pick(this.io.rng) as P)
    }
    this.passive.add(peer)
  }

  private dropContact(peer: P): void {
    this.passive.delete(peer)
    this.stayingAlive.delete(peer)
    if (!this.active.has(peer)) this.peers.forget(peer)
  }

  /**
   * Asks a contact to fill a free slot of the active view: with high priority when we have no neighbour at all (p. 7).
   * `except`: a peer that has just left us.
   */
  private refill(except?: P): void {
    let occupied = this.active.size
    for (const peer of this.pending.keys()) if (!this.exact || !this.active.has(peer)) occupied++
    if (occupied >= this.config.activeViewCapacity) return
    const priority = this.active.size === 0 ? "high" : "low"
    const isOut = (peer: P) =>
      peer === except || this.pending.has(peer) || (priority === "low" && this.refusals.has(peer))
    const contact = this.passive.pickExcept(this.io.rng, isOut)
    if (contact !== undefined) {
      this.request(contact, priority, true)
    } else if (occupied === 0 && this.passive.size > 0) {
      // The peer that has just left is the only one we know. iroh-gossip stays alone; we ask it again in a while.
      this.refillLater()
    }
  }

  private refillLater(): void {
    if (this.refillScheduled) return
    this.refillScheduled = true
    this.io.schedule(this.config.neighborRequestTimeoutMs, { _tag: "Refill" })
  }

  private drop(): void {
    this.io.stats.droppedMessages++
  }
}
