export {
  type AddressBook,
  AddressLookup,
  AddressLookupError,
  type EndpointAddress,
  isNowhere,
  isRelayUrl,
} from "./AddressLookup.ts"
export type { GossipStats } from "./engine/Counters.ts"
export { Gossip } from "./Gossip.ts"
export { GossipConfig, type GossipConfigInput } from "./GossipConfig.ts"
export { GossipError } from "./GossipError.ts"
export type { BroadcastScope, GossipEvent, SubscribeOptions } from "./GossipEvent.ts"
export type { GossipService, GossipTopic } from "./GossipService.ts"
export type { NeighborDownReason } from "./protocol/index.ts"
export * as Protocol from "./protocol/index.ts"
export type { IrohOptions } from "./transport/iroh/layer.ts"
export * as IrohTransport from "./transport/iroh/layer.ts"
export * as MemoryTransport from "./transport/memory/layer.ts"
export {
  type LinkPolicy,
  type LinkState,
  MemoryNetwork,
  type MemoryNetworkOptions,
  type RetransmitPolicy,
} from "./transport/memory/MemoryNetwork.ts"
export {
  type Connection,
  GossipTransport,
  type ReceiveStream,
  type SendStream,
  type TransportHandler,
} from "./transport/Transport.ts"
