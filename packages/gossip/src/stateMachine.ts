/**
 * The protocol's state machine without the service around it: no Effect, no codecs, nothing to load but plain classes, so that
 * the worker threads of a simulation start fast. Entry `@topic-tracker/gossip/stateMachine`; the package's main entry has the
 * same names under `Protocol`.
 */
export type { ProtocolConfig } from "./protocol/Config.ts"
export type {
  Action,
  Event,
  NeighborDownReason,
  NeighborTrust,
  Timer,
  TopicEvent,
  TopicKey,
  TopicStats,
} from "./protocol/Event.ts"
export { GossipState, type GossipStateOptions } from "./protocol/GossipState.ts"
export type { Message, PeerKey } from "./protocol/Message.ts"
export type { MessageId } from "./protocol/MessageId.ts"
export { type Rng, Xoshiro128 } from "./protocol/Rng.ts"
