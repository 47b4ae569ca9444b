export {
  AddressLookup,
  AddressLookupError,
  type DialOrigin,
  type EndpointAddress,
  emptyAddress,
  isEmptyAddress,
  isRelayUrl,
  type ResolveOptions,
} from "./AddressLookup.ts"
export { ReadGate } from "./engine/ReadGate.ts"
export { Gossip } from "./Gossip.ts"
export { GossipConfig, type GossipConfigInput } from "./GossipConfig.ts"
export type { AllowAnswer, AllowRole } from "./members/Admissions.ts"
export type { DoorFailure } from "./members/Door.ts"
export type { Exclusion } from "./members/Exclusion.ts"
export {
  type AcknowledgeOptions,
  type BroadcastScope,
  type BytesChannel,
  type BytesChannelOptions,
  type BytesPublished,
  type ChannelEvent,
  GossipError,
  type GossipEvent,
  type GossipLatencies,
  type GossipService,
  type GossipStats,
  type GossipTopic,
  type MembersNotes,
  type MembersOptions,
  type MembersTopic,
  type OpenOptions,
  type PeerConnections,
  type SubscribeOptions,
} from "./model.ts"
export type { ContentValidator, ContentVerdict, NeighborDownReason, NeighborTrust } from "./protocol/index.ts"
export * as Protocol from "./protocol/index.ts"
export { addLatencies, LATENCY_BOUNDS_MS, type LatencyCounts, LatencyHistogram } from "./protocol/LatencyHistogram.ts"
export { AddressPolicy, type AddressPolicyOptions } from "./transport/address/AddressPolicy.ts"
export type { IrohOptions } from "./transport/iroh/layer.ts"
export * as IrohTransport from "./transport/iroh/layer.ts"
export {
  type AddressSource,
  type BiStream,
  type Connection,
  type DialOptions,
  GOSSIP_ALPN,
  GossipTransport,
  type ListenOptions,
  type ReceiveStream,
  type SendStream,
  type StreamLimits,
  type TransportHandler,
} from "./transport/Transport.ts"
export type { PeerPath, TransportStats } from "./transport/TransportStats.ts"
