/**
 * A topic's view of the swarm: its neighbours, its recent messages and the links between other nodes. The fiber that reads gossip's
 * events is the only one that changes the neighbours. Other fibers read them, or wait for one of the two signals instead of polling.
 */
import { BoundedMap, Signal, type Timers } from "@topic-tracker/common"
import type { EndpointId, GossipRecordContent } from "@topic-tracker/crypto"
import type { GossipEvent, NeighborTrust } from "@topic-tracker/gossip"
import { AskedPeers } from "./AskedPeers.ts"
import { OverlayGraph } from "./OverlayGraph.ts"
import { RecentMessages } from "./RecentMessages.ts"

/** The number of peers in a record (distributed-topic-tracker 0.3.5, `GossipRecordContent`). */
const MAX_RECORD_PEERS = 5
/** The number of members that are remembered: as many as gossip remembers (`GossipTopic.vouchFor`). */
const MAX_MEMBERS = 256
/** This many strangers that become neighbours within this time, in ms, are too many for a swarm at rest. */
const RESTLESS_UPS = 3
const RESTLESS_MS = 60_000
/** The number of lost neighbours that are asked again. More than a node has neighbours at a time. */
const MAX_LOST_PEERS = 32

/** The number of peers of which is remembered that they are or were in the swarm. More make no difference. */
const MAX_MET = 64

/** The number of publishers whose records were followed. */
const MAX_FOLLOWED = 256

/** `at` is in ms of the timers. */
interface Followed {
  readonly at: number
  readonly peers: ReadonlyArray<EndpointId.EndpointId>
}

export class SwarmView {
  /** In the order in which they came up. */
  readonly neighbors = new Set<EndpointId.EndpointId>()
  /** Open while there is a neighbour. */
  readonly joined: Signal
  /** Open while there is none. */
  readonly alone: Signal
  /** Open unless there are neighbours and none of them is known as a member. */
  readonly calm: Signal
  readonly messages: RecentMessages
  readonly graph: OverlayGraph
  readonly asked: AskedPeers
  /** The publishers whose records looked like another part of the topic, and the peers that were asked because of that. */
  readonly followed = new BoundedMap<EndpointId.EndpointId, Followed>(MAX_FOLLOWED)
  /**
   * Peers that were neighbours until their connection broke or this node suspended the topic; the latest last. Empty again as soon as
   * one of them is back.
   */
  readonly lost = new BoundedMap<EndpointId.EndpointId, true>(MAX_LOST_PEERS)
  /**
   * Nodes that know the secret: publishers of records that opened, and the neighbours that nodes of ours name. Gossip knows no secret,
   * so any neighbour may be a stranger.
   */
  readonly #members = new BoundedMap<EndpointId.EndpointId, true>(MAX_MEMBERS)
  readonly #timers: Timers
  /** Members, and peers that were neighbours. */
  readonly #met = new BoundedMap<EndpointId.EndpointId, true>(MAX_MET)
  #isSentAway = false
  /** The times at which the last strangers became neighbours, in ms of the timers; the latest last. */
  readonly #strangerUps: Array<number> = []

  constructor(timers: Timers) {
    this.joined = new Signal(timers, false)
    this.alone = new Signal(timers, true)
    this.calm = new Signal(timers, true)
    this.#timers = timers
    this.messages = new RecentMessages(timers)
    this.graph = new OverlayGraph(timers)
    this.asked = new AskedPeers(timers)
  }

  isMember(peer: EndpointId.EndpointId): boolean {
    return this.#members.has(peer)
  }

  /** The number of members that are known, at most 256. */
  get memberCount(): number {
    return this.#members.size
  }

  /** Known members that are no neighbours, without those that were asked to become one and have not answered. */
  get otherMembers(): ReadonlyArray<EndpointId.EndpointId> {
    return [...this.#members.keys()].filter((peer) => !this.neighbors.has(peer) && !this.asked.isSilent(peer))
  }

  /** The number of peers that this node has met as neighbours or in records, at most 64: it grows with the swarm, and slower. */
  get metCount(): number {
    return this.#met.size
  }

  /** These nodes know the secret. */
  addMembers(peers: ReadonlyArray<EndpointId.EndpointId>): void {
    for (const peer of peers) {
      this.#members.set(peer, true)
      this.#met.set(peer, true)
    }
    this.#updateCalm()
  }

  /** Whether the neighbour that went last gave our place to another peer. */
  get isSentAway(): boolean {
    return this.#isSentAway
  }

  /** Whether one stranger after the other becomes a neighbour. */
  get isRestless(): boolean {
    const first = this.#strangerUps[0]
    return this.#strangerUps.length === RESTLESS_UPS && first !== undefined && this.#timers.now() - first < RESTLESS_MS
  }

  #updateCalm(): void {
    if (this.neighbors.size > 0 && ![...this.neighbors].some((peer) => this.#members.has(peer))) this.calm.close()
    else if (!this.calm.isOpen) this.calm.open()
  }

  /** Applies events, and opens a signal if the first neighbour came or the last one went. Returns whether a neighbour was lost. */
  apply(events: ReadonlyArray<GossipEvent>): boolean {
    const wasJoined = this.neighbors.size > 0
    let hasLost = false
    for (const event of events) {
      if (event._tag === "NeighborUp") this.#addNeighbor(event.peer)
      else if (event._tag === "NeighborDown") {
        const isLost = event.reason === "lost"
        this.#isSentAway = event.reason === "replaced"
        this.#removeNeighbor(event.peer, isLost)
        hasLost ||= isLost
      } else if (event._tag === "Received") this.messages.addReceived(event.content)
    }
    const isJoined = this.neighbors.size > 0
    this.#updateCalm()
    if (isJoined === wasJoined) return hasLost
    this.messages.markGap()
    const [opens, closes] = isJoined ? [this.joined, this.alone] : [this.alone, this.joined]
    closes.close()
    opens.open()
    return hasLost
  }

  #addNeighbor(peer: EndpointId.EndpointId): void {
    this.neighbors.add(peer)
    this.#met.set(peer, true)
    this.asked.addAnswered(peer)
    if (!this.#members.has(peer)) {
      this.#strangerUps.push(this.#timers.now())
      if (this.#strangerUps.length > RESTLESS_UPS) this.#strangerUps.shift()
    }
    // It is connected to the other lost peers, or will be.
    if (this.lost.has(peer)) this.lost.clear()
  }

  #removeNeighbor(peer: EndpointId.EndpointId, isLost: boolean): void {
    this.neighbors.delete(peer)
    if (!isLost) {
      this.graph.addFormerNeighbor(peer)
      return
    }
    // The network may be cut. Then the links that led to the other side are no longer true.
    this.graph.clear()
    this.lost.set(peer, true)
  }

  /** Leaves all neighbours, which still run. Returns the events for subscribers. */
  suspend() {
    const downs = [...this.neighbors].map((peer) => ({ _tag: "NeighborDown", peer, reason: "left" }) as const)
    this.apply(downs)
    for (const { peer } of downs) this.lost.set(peer, true)
    return downs
  }

  /**
   * The content of our next record. It names members first, then neighbours that passed on messages. Readers take those that it names for
   * members, so in place of each other neighbour the record names its own node: that shows how many neighbours it has.
   */
  recordContent(
    self: EndpointId.EndpointId,
    trust: ReadonlyMap<EndpointId.EndpointId, NeighborTrust>,
  ): GossipRecordContent {
    const members: Array<EndpointId.EndpointId> = []
    const proven: Array<EndpointId.EndpointId> = []
    for (const peer of this.neighbors) {
      if (this.#members.has(peer)) members.push(peer)
      else if (trust.get(peer) === "proven") proven.push(peer)
    }
    const unnamed = Array.from({ length: this.neighbors.size - members.length - proven.length }, () => self)
    return {
      activePeers: [...members, ...proven, ...unnamed].slice(0, MAX_RECORD_PEERS),
      lastMessageHashes: this.messages.lastHashes(),
    }
  }
}
