/**
 * The gossip protocol of one node, as a value: every topic it takes part in, with HyParView for membership and PlumTree for
 * broadcast. Events in, actions out; no clock, no I/O, no randomness of its own. The network layer and the simulator drive
 * this very class. Modelled on iroh-gossip 0.101 `src/proto/state.rs`.
 */
import type { EndpointId } from "@topic-tracker/crypto"
import type { ProtocolConfig } from "./Config.ts"
import type { Action, Event, TopicKey } from "./Event.ts"
import type { PeerKey } from "./Message.ts"
import type { Rng } from "./Rng.ts"
import type { TopicStats } from "./Stats.ts"

export interface GossipStateOptions<P extends PeerKey = EndpointId.EndpointId> {
  readonly me: P
  /** What others are told about us at first; empty bytes when nothing is known yet. */
  readonly peerData: Uint8Array
  readonly config: ProtocolConfig
  readonly rng: Rng
}

export class GossipState<P extends PeerKey = EndpointId.EndpointId> {
  readonly me: P
  readonly config: ProtocolConfig

  constructor(options: GossipStateOptions<P>) {
    this.me = options.me
    this.config = options.config
  }

  /**
   * Takes an event and appends what is to be done about it to `out`, in order. `now` is in milliseconds on any clock that
   * never goes back.
   */
  handle(_event: Event<P>, _now: number, _out: Array<Action<P>>): void {
    throw new Error("not yet implemented")
  }

  /** The topics that we take part in. */
  topics(): Iterable<TopicKey> {
    return []
  }

  /** The active view of a topic, in no particular order; empty when we do not take part in it. */
  neighbors(_topic: TopicKey): ReadonlyArray<P> {
    return []
  }

  /** The counters of a topic. */
  stats(_topic: TopicKey): TopicStats | undefined {
    return undefined
  }

  /** Sets a topic's counters to 0. */
  resetStats(_topic: TopicKey): void {}
}
