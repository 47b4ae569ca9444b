export { PeerError, type PeerErrorReason } from "./PeerError.ts"
export {
  type ConnectOptions,
  type PeerSocket,
  Peers,
  type PeersOptions,
  type PeersService,
  type PeersStats,
  type PeersTopic,
  type ServeOptions,
} from "./Peers.ts"
export { RemotePeer } from "./RemotePeer.ts"
export * as PeerRpc from "./rpc/index.ts"
export { layerSocketServer } from "./socketServer.ts"
export type { PeersLimitsInput } from "./streams/PeersLimits.ts"
export * as PeerDevTools from "./tools/devTools.ts"
export * as PeerReactivity from "./tools/reactivity.ts"
