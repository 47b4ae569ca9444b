/**
 * The HyParView membership protocol of one topic: a small active view of peers that are connected to us both ways (the
 * neighbours), and a larger passive view of contacts that fill it. It knows nothing of payloads.
 *
 * Source: Leitão, Pereira, Rodrigues, "HyParView: a membership protocol for reliable gossip-based broadcast", DSN 2007
 * (page numbers below are that paper's), as iroh-gossip 0.101 has it (`src/proto/hyparview.rs`). The bytes are the same;
 * DEVIATIONS.md of this package lists where the behaviour differs, by the titles that comments here name.
 */

import { TokenBucket } from "@topic-tracker/common/TokenBucket"
import { Admission } from "./Admission.ts"
import type { MembershipConfig } from "./Config.ts"
import type { NeighborDownReason, TopicIo } from "./Event.ts"
import { IndexedSet } from "./IndexedSet.ts"
import { Introductions } from "./Introductions.ts"
import { MemberSeeker } from "./MemberSeeker.ts"
import type {
  Disconnect,
  ForwardJoin,
  Neighbor,
  PeerInfo,
  PeerKey,
  Shuffle,
  ShuffleReply,
  SwarmMessage,
} from "./Message.ts"
import { PeerDirectory } from "./PeerDirectory.ts"
import { SwarmSize } from "./SwarmSize.ts"

/** Refusals that are noted between two shuffles: any peer may send one. */
export const MAX_REFUSALS = 256

/** Peers that take us for a neighbour and are corrected: this many at once, then so many a second. */
const CORRECTION_BURST = 8
const CORRECTIONS_PER_SECOND = 1

/** A Neighbor message that waits for its answer. `number`: that of its timer. */
interface PendingRequest {
  readonly number: number
  readonly priority: Neighbor["priority"]
}

/** The fields of {@link HyParView} besides the views, for reading. */
export interface MembershipBookkeeping<P extends PeerKey> {
  readonly pending: ReadonlyMap<P, PendingRequest>
  readonly raised: ReadonlyMap<P, number>
  readonly overdue: ReadonlySet<P>
  readonly refusals: ReadonlySet<P>
  readonly stayingAlive: ReadonlySet<P>
  readonly refillScheduled: boolean
  readonly seekScheduled: boolean
  readonly vouched: ReadonlyMap<P, true>
  readonly invited: ReadonlyMap<P, unknown>
  readonly replaced: ReadonlyMap<P, unknown>
  readonly guests: ReadonlySet<P>
  readonly away: ReadonlyMap<P, unknown>
  readonly nameGivers: ReadonlyMap<P, unknown>
  readonly joiners: ReadonlyMap<P, unknown>
  readonly peerData: ReadonlyMap<P, Uint8Array>
}

export class HyParView<P extends PeerKey> {
  /** Peers that are connected to us, both ways. */
  readonly active = new IndexedSet<P>()
  /** Peers that we know and are not connected to. */
  readonly passive = new IndexedSet<P>()
  private readonly io: TopicIo<P>
  private readonly config: MembershipConfig
  private readonly peers: PeerDirectory<P>
  private ownData: Uint8Array
  /** Peers to which we sent a Neighbor message that is not answered, and that request. */
  private readonly pending = new Map<P, PendingRequest>()
  private lastRequest = 0
  /** Peers to which the application wants a link that got a request of low priority a moment ago, and the number of that request. */
  private readonly raised = new Map<P, number>()
  /** Neighbours whose answer is late. Their next Neighbor message is still that answer (DEVIATIONS.md, "late replies"). */
  private readonly overdue = new Set<P>()
  /** Peers that had no free slot for us since the last shuffle (DEVIATIONS.md, "refusals"). */
  private readonly refusals = new Set<P>()
  /** Contacts that sent a Disconnect and stay in the swarm: they remain contacts when their connection closes. */
  private readonly stayingAlive = new Set<P>()
  private refillScheduled = false
  private readonly admission: Admission<P>
  private readonly introductions: Introductions<P>
  private readonly seeker: MemberSeeker<P>
  private readonly swarmSize = new SwarmSize()
  private readonly corrections = new TokenBucket(CORRECTION_BURST, CORRECTIONS_PER_SECOND)

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
    this.admission = new Admission({ io: options.io, active: this.active, capacity: config.activeViewCapacity })
    this.introductions = new Introductions({
      io: options.io,
      peers: {
        isTied: (peer) => this.isTiedTo(peer),
        isContact: (peer) => this.passive.has(peer),
        isVouched: (peer) => this.admission.isVouched(peer),
        isInvited: (peer) => this.admission.isInvited(peer),
      },
      maxNames: this.shuffleSize + 1,
    })
    this.seeker = new MemberSeeker({
      io: options.io,
      admission: this.admission,
      isPending: (peer) => this.pending.has(peer),
      request: (peer, priority) => this.request(peer, priority),
    })
    this.peers = new PeerDirectory({
      // A Shuffle must fit into one message with every contact's data at this size; 37: id, option tag and length prefix.
      maxSize: Math.floor((options.maxMessageSize - 48) / (this.shuffleSize + 1)) - 37,
      sweepAt: 2 * (config.activeViewCapacity + config.passiveViewCapacity) + 16,
      isKept: (peer) => this.active.has(peer) || this.passive.has(peer) || this.pending.has(peer),
      announce: this.io.peerData,
    })
  }

  /** Starts the shuffle timer, which never stops. */
  start(): void {
    this.io.schedule(this.config.shuffleIntervalMs, { _tag: "Shuffle" })
  }

  /** The state besides the views, for tests: what checkInvariants compares with the views. Valid until the next event. */
  get bookkeeping(): MembershipBookkeeping<P> {
    const { admission, introductions, overdue, peers, pending, raised, refillScheduled, refusals, seeker } = this
    const { away, guests, invited, replaced, vouched } = admission
    const { givers: nameGivers, joiners } = introductions.budget
    const views = { away, guests, invited, joiners, nameGivers, peerData: peers.known, replaced, vouched }
    const requests = { overdue, pending, raised, refillScheduled, refusals, seekScheduled: seeker.isScheduled }
    return { ...views, ...requests, stayingAlive: this.stayingAlive }
  }

  /** The number of nodes in the swarm as shuffles show it; undefined before one came. */
  get estimatedSize(): number | undefined {
    return this.swarmSize.estimate(this.active.size + this.passive.size)
  }

  /** Whether the peer is a neighbour, or has been asked to become one. */
  isTiedTo(peer: P): boolean {
    return this.active.has(peer) || this.pending.has(peer)
  }

  /** Remembers that these peers are members. */
  vouchFor(peers: Iterable<P>): void {
    this.seeker.membersAdded(this.admission.vouchFor(peers))
  }

  isVouched(peer: P): boolean {
    return this.admission.isVouched(peer)
  }

  setOwnData(data: Uint8Array): void {
    this.ownData = data
  }

  join(peer: P): void {
    if (peer === this.io.me) return
    this.admission.invite(peer, false)
    this.io.send(peer, { _tag: "Join", data: this.ownData })
  }

  /** Whether {@link connect} asks now. */
  get mayConnect(): boolean {
    return this.admission.mayMerge()
  }

  /**
   * Asks a peer for one link, with the priority that is never refused (p. 7; DEVIATIONS.md, "one link"). If a request of low priority is
   * on its way, its answer comes first: the peer that refuses it closes the connection, and what we send behind it is lost. Of several
   * such peers one is asked again, and none if another one of the application's choice became a neighbour: one link is enough.
   */
  connect(peer: P): void {
    if (peer === this.io.me || this.active.has(peer)) return
    // See DEVIATIONS.md, "merges".
    if (!this.mayConnect) return
    this.admission.invite(peer, true)
    const pending = this.pending.get(peer)
    if (pending?.priority === "low") this.raised.set(peer, pending.number)
    else this.request(peer, "high")
  }

  /**
   * The peer sent what only a neighbour sends, and is none: it gets a Disconnect, so that both sides agree again. Not if it has been
   * asked: its answer is on its way (DEVIATIONS.md, "one-sided neighbours").
   */
  correct(peer: P): void {
    if (this.isTiedTo(peer) || !this.corrections.take(this.io.now)) return
    this.io.send(peer, { _tag: "Disconnect", alive: true, respond: false })
    this.io.disconnect(peer)
  }

  /** Sends a Disconnect to every neighbour and to every peer asked to become one: we leave the topic. */
  quit(): void {
    const peers = new Set([...this.active.values, ...this.pending.keys()])
    for (const peer of peers) {
      this.active.delete(peer)
      this.admission.removeGuest(peer)
      this.introductions.budget.removeNeighbor(peer)
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
        this.onShuffleReply(from, message)
        break
      case "Neighbor":
        this.onNeighbor(from, message)
        break
      case "Disconnect":
        this.onDisconnect(from, message)
        return
    }
    // Any other peer opened its connection for this message only (DEVIATIONS.md, "connections of asked peers").
    if (!this.isTiedTo(from)) this.io.disconnect(from)
  }

  /** The connection to the peer closed, or the dial failed. */
  connectionClosed(peer: P): void {
    const wasAsked = this.pending.delete(peer)
    // It has not refused: it cannot be reached.
    if (wasAsked) this.raised.delete(peer)
    if (this.active.has(peer)) {
      this.removeActive(peer, "lost")
      this.admission.promoteGuest()
      this.peers.forget(peer)
      this.refill(peer)
      return
    }
    if (!this.stayingAlive.delete(peer)) {
      this.passive.delete(peer)
      this.peers.forget(peer)
    }
    // "Another node is selected at random and a new attempt is made" (p. 7; DEVIATIONS.md, "failed dials").
    if (wasAsked) this.refillLater()
  }

  /** Offers some of our contacts to another part of the swarm (p. 8). */
  onShuffleTimer(): void {
    // After a whole shuffle interval a reply can no longer arrive. The other entries were for peers that we replied to.
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
      this.introductions.shuffleSent()
    } else {
      // See DEVIATIONS.md, "alone with contacts".
      this.refill()
    }
    this.io.schedule(this.config.shuffleIntervalMs, { _tag: "Shuffle" })
  }

  /**
   * The time to answer request number `request` is over: the next contact is asked, or the same peer again if the application wants a
   * link to it. A peer that answers later still becomes a neighbour, so its connection stays until it is idle.
   */
  onNeighborRequestTimer(peer: P, request: number): void {
    const isRaised = this.raised.get(peer) === request
    const isPending = this.pending.get(peer)?.number === request
    if (isRaised) this.raised.delete(peer)
    if (isPending) this.pending.delete(peer)
    // Not if another merge took place meanwhile.
    if (isRaised && this.mayConnect) {
      // One link is enough. A peer that has not even refused may be gone.
      if (!isPending) this.raised.clear()
      this.connect(peer)
      return
    }
    if (!isPending) return
    if (this.active.has(peer)) this.overdue.add(peer)
    else this.dropContact(peer)
    this.refill()
  }

  onSeekTimer(): void {
    this.seeker.onTimer()
  }

  onRefillTimer(): void {
    this.refillScheduled = false
    this.refill()
  }

  /**
   * "A node that receives a join request will start by adding the new node to its active view, even if it has to drop a
   * random node from it" (p. 6); it then informs its other neighbours, which forward the message for ARWL hops.
   */
  private onJoin(peer: P, data: Uint8Array | undefined): void {
    if (peer === this.io.me) return
    // A peer that joins has usually restarted: it will not answer an earlier request (DEVIATIONS.md, "Join during a request").
    this.pending.delete(peer)
    if (!this.addActive(peer, data, "high")) {
      this.sendDisconnect(peer, true)
      return
    }
    this.request(peer, "high")
    if (!this.introductions.budget.takeJoin(peer)) return
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
    // Our own walk came back to us (DEVIATIONS.md, "own walks").
    if (id === this.io.me || !this.introductions.takeWalk(from)) {
      this.drop()
      return
    }
    if (!this.introductions.takeName(id, from)) return
    const ttl = Math.min(message.ttl, this.config.activeRandomWalkLength)
    // At the end of the walk the paper adds the peer at once. We ask it first and add it when it answers, so that a peer which
    // cannot be reached does not enter the active view. If it is a neighbour already, the request renews the tie.
    if (this.active.has(id) || ttl === 0 || this.active.size <= 1) {
      this.peers.learnFromOther(id, data)
      // Without a place for it there is nothing to ask for.
      if (this.active.has(id) || this.admission.mayAdmit(id)) this.request(id, "high")
      else this.addPassive(id, data)
      return
    }
    if (ttl === this.config.passiveRandomWalkLength) this.addPassive(id, data)
    if (this.pending.has(id)) return
    const next = this.active.pickExcept(this.io.rng, (peer) => peer === from)
    if (next !== undefined) this.io.send(next, { _tag: "ForwardJoin", peer: message.peer, ttl: ttl - 1 })
  }

  /**
   * Accepts a request of high priority always, "even if it has to drop a random member", and any other if there is a free slot
   * (p. 7). The answer to a request of ours is not answered again.
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
      // The answer counts as a request of our own, although no answer will come. If both sides take the other's message for a
      // request, this ends their exchange.
      this.request(from, message.priority)
    }
  }

  private onDisconnect(from: P, message: Disconnect): void {
    const wasAsked = this.pending.delete(from) || this.admission.isInvited(from)
    if (this.active.has(from)) {
      this.removeActive(from, message.alive ? "replaced" : "left")
      if (message.alive) this.keepAsContact(from)
      else this.peers.forget(from)
      this.admission.promoteGuest()
      this.refill(from)
    } else if (message.alive) {
      if (wasAsked) this.io.stats.refusals++
      // The refusal is noted even if the peer is no longer a contact: other peers will name it again.
      if (this.refusals.size < MAX_REFUSALS) this.refusals.add(from)
      if (this.passive.has(from)) this.stayingAlive.add(from)
    }
  }

  /**
   * A step of a random walk with another member's contacts. The node at its end takes them and answers with as many of its
   * own (p. 8).
   */
  private onShuffle(from: P, message: Shuffle<P>): void {
    const { origin } = message
    if (origin === this.io.me || !this.introductions.takeWalk(from)) {
      this.drop()
      return
    }
    if (!this.introductions.takeName(origin, from)) return
    const nodes = this.namesIn(message.nodes, from, origin)
    const ttl = Math.min(message.ttl, this.config.shuffleRandomWalkLength)
    if (ttl === 0 || this.active.size <= 1) {
      this.addShuffled(nodes)
      if (this.introductions.takeAnswer(origin, message.nodes, from)) {
        this.sendShuffleReply(origin, Math.min(message.nodes.length, this.shuffleSize + 1))
      }
      return
    }
    const next = this.active.pickExcept(this.io.rng, (peer) => peer === from || peer === origin)
    if (next !== undefined) this.io.send(next, { _tag: "Shuffle", origin, nodes, ttl: ttl - 1 })
  }

  /** Takes the contacts of an answer to our Shuffle, of a neighbour, or of a peer that has no free slot for us. */
  private onShuffleReply(from: P, { nodes }: ShuffleReply<P>): void {
    if (!this.introductions.takeReply(from)) {
      this.drop()
      return
    }
    this.addShuffled(this.namesIn(nodes, from))
    this.refill()
  }

  /** The contacts in a message that may be used. Data of the sender about itself replaces the data that others sent. */
  private namesIn(nodes: ReadonlyArray<PeerInfo<P>>, from: P, origin?: P): ReadonlyArray<PeerInfo<P>> {
    const names = this.introductions.takeNames(nodes, from, origin)
    for (const { data, id } of names) if (id === from) this.peers.learn(from, data)
    return names
  }

  private sendShuffleReply(to: P, count: number): void {
    const nodes = this.passive.sample(this.io.rng, count)
    if (nodes.length < count) nodes.push(...this.active.sample(this.io.rng, count - nodes.length))
    this.io.send(to, { _tag: "ShuffleReply", nodes: nodes.map((peer) => this.peers.info(peer)) })
  }

  /** Contacts first, so that a peer which has just joined through us keeps some (iroh-gossip, `send_disconnect`). */
  private sendDisconnect(peer: P, alive: boolean): void {
    // See DEVIATIONS.md, "crossing messages".
    this.pending.delete(peer)
    this.sendShuffleReply(peer, this.shuffleSize)
    this.io.send(peer, { _tag: "Disconnect", alive, respond: false })
    this.io.disconnect(peer)
  }

  private get shuffleSize(): number {
    return this.config.shuffleActiveViewCount + this.config.shufflePassiveViewCount
  }

  /** Asks a peer to be our neighbour, unless a request to it is pending. Every request ends after a time. */
  private request(peer: P, priority: Neighbor["priority"]): void {
    if (this.pending.has(peer)) return
    const request = ++this.lastRequest
    this.pending.set(peer, { number: request, priority })
    this.io.send(peer, { _tag: "Neighbor", priority, data: this.ownData })
    this.io.schedule(this.config.neighborRequestTimeoutMs, { _tag: "NeighborRequest", peer, request })
  }

  /** Makes the peer a neighbour if its priority or a free slot allows it. Returns whether it is a neighbour now. */
  private addActive(peer: P, data: Uint8Array | undefined, priority: Neighbor["priority"]): boolean {
    this.peers.learn(peer, data)
    if (this.active.has(peer)) return true
    const place = this.admission.placeFor(peer, priority)
    if (place === undefined) {
      if (priority === "high") this.io.stats.refusedRequests++
      return false
    }
    const dropped = place._tag === "Free" ? undefined : place.victim
    if (dropped !== undefined) {
      this.removeActive(dropped, "replaced", () => this.sendDisconnect(dropped, true))
      this.keepAsContact(dropped)
    }
    if (place._tag === "Guest") this.admission.addGuest(peer)
    this.passive.delete(peer)
    this.stayingAlive.delete(peer)
    this.refusals.delete(peer)
    if (this.admission.isInvited(peer)) this.raised.clear()
    else this.raised.delete(peer)
    this.active.add(peer)
    this.introductions.budget.addNeighbor(peer)
    this.io.neighborUp(peer)
    this.seeker.neighborAdded(peer)
    return true
  }

  private removeActive(peer: P, reason: NeighborDownReason, close = () => this.io.disconnect(peer)): void {
    this.active.delete(peer)
    this.admission.removeGuest(peer)
    this.overdue.delete(peer)
    this.introductions.budget.removeNeighbor(peer)
    // Other nodes may have lost this peer too, and have a free slot now.
    this.refusals.clear()
    this.io.neighborDown(peer, reason)
    close()
  }

  /** The peer is alive and its connection is about to close: it stays a contact. */
  private keepAsContact(peer: P): void {
    this.addPassive(peer, undefined)
    if (this.passive.has(peer)) this.stayingAlive.add(peer)
  }

  private addShuffled(nodes: ReadonlyArray<PeerInfo<P>>): void {
    const known = this.active.size + this.passive.size
    for (const { id } of nodes) {
      if (id !== this.io.me) this.swarmSize.add(this.active.has(id) || this.passive.has(id), known)
    }
    for (const { data, id } of nodes) this.addPassive(id, data)
  }

  private addPassive(peer: P, data: Uint8Array | undefined): void {
    if (peer === this.io.me) return
    this.peers.learnFromOther(peer, data)
    if (this.active.has(peer) || this.passive.has(peer)) return
    if (this.passive.size >= this.config.passiveViewCapacity) {
      // Strangers' names must not push out the contacts that we know to be members.
      const isVouched = (contact: P) => this.isVouched(contact)
      this.dropContact(this.passive.pickExcept(this.io.rng, isVouched) ?? (this.passive.pick(this.io.rng) as P))
    }
    this.passive.add(peer)
  }

  private dropContact(peer: P): void {
    this.passive.delete(peer)
    this.stayingAlive.delete(peer)
    if (!this.active.has(peer)) this.peers.forget(peer)
  }

  /**
   * Asks a contact to fill a free slot of the active view: with high priority if we have no neighbour at all (p. 7).
   * `except`: a peer that has just left us.
   */
  private refill(except?: P): void {
    let occupied = this.active.size
    for (const peer of this.pending.keys()) if (!this.active.has(peer)) occupied++
    if (occupied >= this.config.activeViewCapacity) return
    const priority = this.active.size === 0 ? "high" : "low"
    const isExcluded = (peer: P) =>
      peer === except || this.pending.has(peer) || (priority === "low" && this.refusals.has(peer))
    const contact =
      (this.admission.lacksVouched
        ? this.passive.pickExcept(this.io.rng, (peer) => isExcluded(peer) || !this.isVouched(peer))
        : undefined) ?? this.passive.pickExcept(this.io.rng, isExcluded)
    if (contact !== undefined) {
      this.request(contact, priority)
    } else if (occupied === 0 && this.passive.size > 0) {
      // The peer that has just left is the only contact (DEVIATIONS.md, "alone with contacts").
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
