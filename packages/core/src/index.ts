// The services below a tracker, and the types that this package's functions return: a program that depends on core alone can
// name them, also in layouts in which it does not see the packages of core.
export {
  ClockBeforeEpoch,
  Crypto,
  type CryptoService,
  type Generation,
  Identity,
  type RotationInput,
  SecretRingError,
  SecretRotation,
  type SigningKey,
  TopicId,
  TopicSecrets,
} from "@topic-tracker/crypto"
export {
  Dht,
  type DhtAddress,
  DhtError,
  type DhtNode,
  type DhtOptions,
  type DhtOptionsInput,
  type DhtService,
  type DhtStats,
} from "@topic-tracker/dht"
export {
  AddressLookup,
  AddressLookupError,
  type AllowAnswer,
  type AllowRole,
  type DoorFailure,
  type EndpointAddress,
  Gossip,
  type GossipConfigInput,
  GossipError,
  type GossipLatencies,
  type GossipService,
  type GossipStats,
  GossipTransport,
  type IrohOptions,
  LATENCY_BOUNDS_MS,
  type LatencyCounts,
  LatencyHistogram,
  type NeighborDownReason,
  type PeerPath,
  type SubscribeOptions,
} from "@topic-tracker/gossip"
export * as DhtAddressLookup from "./address/DhtAddressLookup.ts"
export * as Pkarr from "./address/pkarr.ts"
export * as TopicConfig from "./config/index.ts"
export { TopicConfigError } from "./config/TopicConfig.ts"
export * as EndpointId from "./EndpointId.ts"
export * as TrackerMetrics from "./metrics/TrackerMetrics.ts"
export type { KeysOfMinute } from "./records/minuteKeys.ts"
export * as RecordPublisher from "./records/RecordPublisher.ts"
export { TopicRecordContent } from "./records/TopicRecordContent.ts"
export type { IdentitySeed } from "./stack/identity.ts"
export type { NodeStackOptions, Services as NodeServices } from "./stack/node.ts"
export type {
  Channel,
  ChannelEvent,
  ChannelOptions,
  ChannelStats,
  Published,
  PublishOptions,
  Received,
} from "./topic/channel/Channel.ts"
export { ChannelError } from "./topic/channel/ChannelError.ts"
export * as Topic from "./topic/join.ts"
export type { MemberChange, MembersSource, SeenMember } from "./topic/MembersSource.ts"
export type { PeerLink } from "./topic/PeerLink.ts"
export type { Activity, Actor, RecordSource, TopicActivity } from "./topic/TopicActivity.ts"
export { TopicError } from "./topic/TopicError.ts"
export * as TopicErrorReason from "./topic/TopicErrorReason.ts"
export { Message, type TopicEvent } from "./topic/TopicEvent.ts"
export type { TopicView } from "./topic/TopicView.ts"
export { type NodeOptions, TopicTracker, type TopicTrackerOptions } from "./tracker/TopicTracker.ts"
export type { TrackerService } from "./tracker/TrackerService.ts"
