/**
 * One topic of one node: HyParView and PlumTree put together. Each change of the neighbours in the one goes to the other and
 * to the application. Source: iroh-gossip 0.101 `src/proto/topic.rs`.
 */
import type { ProtocolConfig } from "./Config.ts"
import type { CopyLatencies } from "./CopyTimes.ts"
import {
  type Action,
  type ContentValidator,
  makeTopicStats,
  type NeighborDownReason,
  type NeighborTrust,
  type Timer,
  type TopicEvent,
  type TopicKey,
  type TopicTimer,
} from "./Event.ts"
import type { HistoryBudget } from "./HistoryBudget.ts"
import { HyParView } from "./HyParView.ts"
import type { Message, PeerKey } from "./Message.ts"
import { PlumTree, type PlumTreeIo } from "./PlumTree.ts"
import type { Rng } from "./Rng.ts"

/** The parts of a node that its topics use. */
export interface TopicHost<P extends PeerKey> {
  readonly me: P
  readonly rng: Rng
  readonly config: ProtocolConfig
  /** The memory for messages that all topics share. */
  readonly historyBudget: HistoryBudget
  /** The times that all topics measure. */
  readonly latencies: CopyLatencies
  /** The time of the current event in ms. */
  readonly now: number
  readonly isKey: (peer: P) => boolean
  /** The validator of a topic's contents; undefined if all are accepted. */
  readonly validatorOf: (topic: TopicKey) => ContentValidator<P> | undefined
  /** Adds an action. */
  readonly act: (action: Action<P>) => void
  /** This topic used the connection to the peer and no longer needs it. */
  readonly connectionReleased: (peer: P) => void
}

/** Time after which a connection to a peer that is no neighbour is released if no membership message used it. */
const IDLE_MS = 60_000

export class TopicState<P extends PeerKey> implements PlumTreeIo<P> {
  readonly me: P
  readonly rng: Rng
  readonly stats = makeTopicStats()
  readonly membership: HyParView<P>
  readonly broadcast: PlumTree<P>
  /** Distinguishes this state from an earlier one of the same topic. */
  readonly epoch: number
  readonly validate: ContentValidator<P> | undefined
  /** Peers with which a membership message was exchanged, and whose connection was not released since. */
  readonly connections = new Set<P>()
  /** The connections that nothing used since the last check, and the time of that check. */
  private readonly idle = new Set<P>()
  private lastIdleCheck = Number.NEGATIVE_INFINITY
  private readonly key: TopicKey
  private readonly host: TopicHost<P>

  constructor(options: {
    readonly key: TopicKey
    readonly epoch: number
    readonly ownData: Uint8Array
    readonly host: TopicHost<P>
  }) {
    const { host } = options
    const { broadcast, maxMessageSize, membership } = host.config
    this.me = host.me
    this.rng = host.rng
    this.key = options.key
    this.epoch = options.epoch
    this.host = host
    this.validate = host.validatorOf(options.key)
    this.membership = new HyParView({ io: this, config: membership, ownData: options.ownData, maxMessageSize })
    const { historyBudget, latencies } = host
    this.broadcast = new PlumTree({ io: this, config: broadcast, maxMessageSize, historyBudget, latencies })
    this.membership.start()
  }

  get now(): number {
    return this.host.now
  }

  receive(from: P, message: Message<P>, now: number): void {
    this.stats.messagesReceived++
    switch (message._tag) {
      case "Gossip":
      case "Prune":
      case "Graft":
      case "IHave":
        this.broadcast.receive(from, message, now)
        return
      default:
        this.useConnection(from)
        this.membership.receive(from, message)
    }
  }

  timerExpired(timer: Timer<P>, now: number): void {
    if (timer.epoch !== this.epoch) return
    switch (timer._tag) {
      case "Shuffle":
        this.membership.onShuffleTimer()
        // After the shuffle, which may have asked a contact over a connection that was idle.
        this.releaseIdle(now)
        return
      case "NeighborRequest":
        this.membership.onNeighborRequestTimer(timer.peer, timer.request)
        return
      case "Refill":
        this.membership.onRefillTimer()
        return
      case "SeekMember":
        this.membership.onSeekTimer()
        return
      case "SendGraft":
        this.broadcast.onGraftTimer(timer.id)
        return
      case "DispatchLazyPush":
        this.broadcast.onDispatchTimer()
        return
      case "EvictCache":
        this.broadcast.onEvictTimer(now)
        return
    }
  }

  /** The connection to the peer closed, or the dial failed. */
  connectionClosed(peer: P): void {
    // First, so that no action asks to close a connection that is closed.
    this.forgetConnection(peer)
    this.membership.connectionClosed(peer)
  }

  trustIn(peer: P): NeighborTrust {
    if (this.membership.isVouched(peer)) return "vouched"
    return this.broadcast.hasDelivered(peer) ? "proven" : "unknown"
  }

  resetStats(): void {
    Object.assign(this.stats, makeTopicStats())
  }

  // The actions of the two protocols (TopicIo). Properties, so that they can be passed on without their object.

  readonly send = (to: P, message: Message<P>): void => {
    this.stats.messagesSent++
    // Payloads go to neighbours only.
    if (message._tag !== "Gossip") this.useConnection(to)
    this.host.act({ _tag: "Send", to, topic: this.key, message })
  }

  readonly schedule = (delayMs: number, timer: TopicTimer<P>): void => {
    this.host.act({ _tag: "ScheduleTimer", delayMs, timer: { ...timer, topic: this.key, epoch: this.epoch } })
  }

  readonly neighborUp = (peer: P): void => {
    this.broadcast.neighborUp(peer)
    this.emit({ _tag: "NeighborUp", peer })
  }

  readonly neighborDown = (peer: P, reason: NeighborDownReason): void => {
    this.broadcast.neighborDown(peer)
    this.emit({ _tag: "NeighborDown", peer, reason })
  }

  readonly received = (event: TopicEvent<P>): void => this.emit(event)

  readonly disconnect = (peer: P): void => {
    if (this.forgetConnection(peer)) this.host.connectionReleased(peer)
  }

  readonly hasDelivered = (peer: P): boolean => this.broadcast.hasDelivered(peer)

  readonly isKey = (peer: P): boolean => this.host.isKey(peer)

  /** A peer that is no neighbour sends duplicates: it takes us for one. */
  readonly correct = (peer: P): void => this.membership.correct(peer)

  readonly peerData = (peer: P, data: Uint8Array): void => this.host.act({ _tag: "PeerData", peer, data })

  private useConnection(peer: P): void {
    this.connections.add(peer)
    this.idle.delete(peer)
  }

  private forgetConnection(peer: P): boolean {
    this.idle.delete(peer)
    return this.connections.delete(peer)
  }

  /** Releases connections that no tie needs and nothing used for a while (DEVIATIONS.md, "idle connections"). */
  private releaseIdle(now: number): void {
    if (now - this.lastIdleCheck < IDLE_MS) return
    this.lastIdleCheck = now
    for (const peer of [...this.connections]) {
      if (this.membership.isTiedTo(peer)) continue
      if (this.idle.has(peer)) this.disconnect(peer)
      else this.idle.add(peer)
    }
  }

  private emit(event: TopicEvent<P>): void {
    this.host.act({ _tag: "Emit", topic: this.key, event })
  }
}
