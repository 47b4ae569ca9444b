/**
 * The state machine and nothing else: no codecs, no Effect, nothing to wait for when a worker thread of a simulation starts.
 * Exported as `@topic-tracker/gossip/machine`; everything in it is also in the package's `Protocol`.
 */
export type { ProtocolConfig } from "./Config.ts"
export type { Action, Event, NeighborDownReason, Timer, TopicEvent, TopicKey, TopicStats } from "./Event.ts"
export { GossipState, type GossipStateOptions } from "./GossipState.ts"
export type { Message, PeerKey } from "./Message.ts"
export type { MessageId } from "./MessageId.ts"
export { type Rng, Xoshiro128 } from "./Rng.ts"
