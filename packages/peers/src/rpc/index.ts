/** RPC between peers, the namespace `PeerRpc`: Effect's RpcClient and RpcServer over peer streams. */
export { Caller, layerCaller } from "./Caller.ts"
export { layerClientProtocol, type RpcClientOptions, typedErrors } from "./clientProtocol.ts"
export { type Answer, type RequestAllOptions, requestAll } from "./requestAll.ts"
export { layerServerProtocol, PEER_HEADER, type RpcServeOptions } from "./serverProtocol.ts"
