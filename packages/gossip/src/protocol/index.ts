export {
  BroadcastConfig,
  defaultConfig,
  MembershipConfig,
  minMaxMessageSize,
  ProtocolConfig,
} from "./Config.ts"
export type { Action, Event, Timer, TopicEvent, TopicKey } from "./Event.ts"
export { GossipState, type GossipStateOptions } from "./GossipState.ts"
export type * from "./Message.ts"
export * as MessageId from "./MessageId.ts"
export { type Rng, Xoshiro128 } from "./Rng.ts"
export type { TopicStats } from "./Stats.ts"
