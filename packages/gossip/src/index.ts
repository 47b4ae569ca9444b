export {
  AddressLookup,
  AddressLookupError,
  type EndpointAddress,
  emptyAddress,
  isEmptyAddress,
  isRelayUrl,
} from "./AddressLookup.ts"
export { Gossip } from "./Gossip.ts"
export { GossipConfig, type GossipConfigInput } from "./GossipConfig.ts"
export {
  type BroadcastScope,
  GossipError,
  type GossipEvent,
  type GossipService,
  type GossipStats,
  type GossipTopic,
  type SubscribeOptions,
} from "./model.ts"
export type { NeighborDownReason, NeighborTrust } from "./protocol/index.ts"
export * as Protocol from "./protocol/index.ts"
export type { IrohOptions } from "./transport/iroh/layer.ts"
export * as IrohTransport from "./transport/iroh/layer.ts"
export {
  type Connection,
  GossipTransport,
  type ReceiveStream,
  type SendStream,
  type TransportHandler,
} from "./transport/Transport.ts"
