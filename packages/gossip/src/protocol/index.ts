export { blake3 } from "@topic-tracker/crypto/blake3"
export {
  BroadcastConfig,
  defaultConfig,
  MembershipConfig,
  MIN_MAX_MESSAGE_BYTES,
  ProtocolConfig,
} from "./Config.ts"
export { isEndpointKey } from "./codec/endpointKey.ts"
export { decodeHeader, FrameDecoder, FrameEncoder, FrameTooLarge, type TooLong } from "./codec/frames.ts"
export { decodeMessage, encodeMessage, maxContentBytes, messageCodec } from "./codec/message.ts"
export { decodePeerData, decodePeerDataPrefix, encodePeerData } from "./codec/peerData.ts"
export type {
  Action,
  ContentValidator,
  ContentVerdict,
  Event,
  NeighborDownReason,
  NeighborTrust,
  Timer,
  TopicEvent,
  TopicKey,
  TopicStats,
} from "./Event.ts"
export { GossipState, type GossipStateOptions } from "./GossipState.ts"
export type * from "./Message.ts"
export * as MessageId from "./MessageId.ts"
export { type Rng, Xoshiro128 } from "./Rng.ts"
