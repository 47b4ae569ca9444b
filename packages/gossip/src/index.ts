export { AddressLookup, AddressLookupError, type EndpointAddress } from "./AddressLookup.ts"
export {
  type BroadcastScope,
  Gossip,
  GossipError,
  type GossipEvent,
  type GossipTopic,
  type SubscribeOptions,
} from "./Gossip.ts"
export * as Protocol from "./protocol/index.ts"
