/**
 * The gossip protocol of one node, as a value: every topic that the node takes part in, with HyParView for membership and
 * PlumTree for broadcast. Events in, actions out; no clock, no I/O, no randomness of its own. The engine and the simulator
 * drive this same class. Source: iroh-gossip 0.101 `src/proto/state.rs`.
 */
import type { EndpointId } from "@topic-tracker/crypto"
import type { ProtocolConfig } from "./Config.ts"
import type { Action, ContentValidator, Event, NeighborTrust, TopicKey, TopicStats } from "./Event.ts"
import { HistoryBudget } from "./HistoryBudget.ts"
import { LatencyHistogram } from "./LatencyHistogram.ts"
import type { Message, PeerKey } from "./Message.ts"
import type { Rng } from "./Rng.ts"
import { type TopicHost, TopicState } from "./TopicState.ts"

/**
 * The arguments of {@link GossipState}.
 *
 * @since 0.1.0
 * @category options
 */
export interface GossipStateOptions<P extends PeerKey = EndpointId.EndpointId> {
  readonly me: P
  /** The data that we send about ourselves at first; empty bytes if there is none yet. */
  readonly peerData: Uint8Array
  readonly config: ProtocolConfig
  readonly rng: Rng
  /**
   * Whether a name that a peer sent is a key, that is a point of the curve. A Rust node drops the stream on which another name arrives,
   * so such names are neither kept nor passed on. Without it every name is a key.
   */
  readonly isKey?: ((peer: P) => boolean) | undefined
  /** The validator of a topic that is being opened. Without one, every content is forwarded and delivered. */
  readonly validatorOf?: ((topic: TopicKey) => ContentValidator<P> | undefined) | undefined
}

/**
 * The state of one node in all its topics.
 *
 * @since 0.1.0
 * @category models
 */
export class GossipState<P extends PeerKey = EndpointId.EndpointId> {
  readonly me: P
  readonly config: ProtocolConfig
  /** How long messages took through the swarm, in all topics so far. */
  readonly latencies = { echo: new LatencyHistogram(), secondCopy: new LatencyHistogram() }
  private readonly host: TopicHost<P>
  private now = Number.NEGATIVE_INFINITY
  private peerData: Uint8Array
  private readonly states = new Map<TopicKey, TopicState<P>>()
  private nextEpoch = 0
  private dropped = 0
  /** The list to which actions are appended while an event is handled. */
  private out: Array<Action<P>> = []

  constructor(options: GossipStateOptions<P>) {
    this.me = options.me
    this.config = options.config
    this.peerData = options.peerData
    const clock = () => this.now
    this.host = {
      me: options.me,
      isKey: options.isKey ?? (() => true),
      validatorOf: options.validatorOf ?? (() => undefined),
      get now() {
        return clock()
      },
      rng: options.rng,
      config: options.config,
      latencies: this.latencies,
      historyBudget: new HistoryBudget(options.config.broadcast.messageTotalMaxBytes),
      act: (action) => this.out.push(action),
      connectionReleased: (peer) => this.connectionReleased(peer),
    }
  }

  /**
   * Handles an event and appends the actions that follow from it to `out`, in order. `now` is in milliseconds on any clock that
   * never goes back. Events about topics that this node does not take part in are dropped and counted.
   */
  handle(event: Event<P>, now: number, out: Array<Action<P>>): void {
    this.out = out
    this.now = now
    switch (event._tag) {
      case "Received": {
        const state = this.states.get(event.topic)
        if (event.from === this.me) {
          this.dropped++
          return
        }
        if (state === undefined) {
          this.refuse(event.from, event.topic, event.message)
          return
        }
        state.receive(event.from, event.message, now)
        return
      }
      case "Join": {
        const { membership } = this.open(event.topic)
        for (const peer of event.peers) membership.join(peer)
        return
      }
      case "Connect":
        for (const peer of event.peers) this.states.get(event.topic)?.membership.connect(peer)
        return
      case "VouchFor":
        this.states.get(event.topic)?.membership.vouchFor(event.peers)
        return
      case "Broadcast":
        this.states.get(event.topic)?.broadcast.broadcast(event.content, event.scope, now)
        return
      case "Quit":
        this.quit(event.topic, now)
        return
      case "TimerExpired":
        this.states.get(event.timer.topic)?.timerExpired(event.timer, now)
        return
      case "PeerDisconnected":
        for (const state of this.states.values()) state.connectionClosed(event.peer)
        return
      case "PeerDataChanged":
        this.peerData = event.data
        for (const state of this.states.values()) state.membership.setOwnData(event.data)
        return
    }
  }

  /** The topics that this node takes part in. */
  topics(): Iterable<TopicKey> {
    return this.states.keys()
  }

  /** A topic's protocol state, for reading: views, tree, counters. */
  topic(topic: TopicKey): TopicState<P> | undefined {
    return this.states.get(topic)
  }

  /** The active view of a topic, in no particular order; empty if we do not take part in it. Valid until the next event. */
  neighbors(topic: TopicKey): ReadonlyArray<P> {
    return this.states.get(topic)?.membership.active.values ?? []
  }

  /** The neighbours of a topic, each with the reason to believe that it is a member. */
  neighborTrust(topic: TopicKey): ReadonlyMap<P, NeighborTrust> {
    const trust = new Map<P, NeighborTrust>()
    const state = this.states.get(topic)
    if (state === undefined) return trust
    for (const peer of state.membership.active.values) trust.set(peer, state.trustIn(peer))
    return trust
  }

  /** Whether a Connect would ask its peers now. */
  mayConnect(topic: TopicKey): boolean {
    return this.states.get(topic)?.membership.mayConnect ?? false
  }

  /** The number of nodes in a topic's swarm, estimated; undefined before a shuffle. */
  estimatedSize(topic: TopicKey): number | undefined {
    return this.states.get(topic)?.membership.estimatedSize
  }

  /** The counters of a topic. */
  stats(topic: TopicKey): TopicStats | undefined {
    return this.states.get(topic)?.stats
  }

  /** Sets a topic's counters to 0. */
  resetStats(topic: TopicKey): void {
    this.states.get(topic)?.resetStats()
  }

  /** Number of messages for topics that this node does not take part in, and of messages from itself. */
  get unexpectedMessages(): number {
    return this.dropped
  }

  /** Number of peers whose connection some topic uses. */
  get connectionCount(): number {
    const peers = new Set<P>()
    for (const state of this.states.values()) for (const peer of state.connections) peers.add(peer)
    return peers.size
  }

  /** Whether some topic uses the connection to the peer. */
  usesConnection(peer: P): boolean {
    for (const state of this.states.values()) if (state.connections.has(peer)) return true
    return false
  }

  private open(key: TopicKey): TopicState<P> {
    const existing = this.states.get(key)
    if (existing !== undefined) return existing
    const state = new TopicState({ key, epoch: this.nextEpoch++, ownData: this.peerData, host: this.host })
    this.states.set(key, state)
    return state
  }

  private quit(topic: TopicKey, now: number): void {
    const state = this.states.get(topic)
    if (state === undefined) return
    state.broadcast.leave(now)
    state.membership.quit()
    state.broadcast.close()
    this.states.delete(topic)
    for (const peer of state.connections) this.connectionReleased(peer)
  }

  /**
   * A message for a topic that this node left or never was in. A peer that takes this node for a member gets a Disconnect
   * (DEVIATIONS.md, "unknown topics").
   */
  private refuse(from: P, topic: TopicKey, message: Message<P>): void {
    this.dropped++
    if (message._tag !== "Join" && message._tag !== "Neighbor") return
    this.out.push({ _tag: "Send", to: from, topic, message: { _tag: "Disconnect", alive: false, respond: false } })
    if (!this.usesConnection(from)) this.out.push({ _tag: "DisconnectPeer", peer: from })
  }

  /** A topic no longer needs the connection: close it if no other topic needs it (iroh-gossip, `handle_out_event`). */
  private connectionReleased(peer: P): void {
    if (!this.usesConnection(peer)) this.out.push({ _tag: "DisconnectPeer", peer })
  }
}
