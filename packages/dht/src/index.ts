export { encodeValue, type StoredItem, signable, targetOf, verifyItem } from "./bep44/item.ts"
export { Dht } from "./Dht.ts"
export type { DhtOptions, DhtOptionsInput } from "./DhtConfig.ts"
export * as DhtConfig from "./DhtConfig.ts"
export { DhtError } from "./DhtError.ts"
export { type BindUdpSocket, type UdpSocket, UdpSockets } from "./krpc/UdpSocket.ts"
export type {
  AfterNodes,
  CallOptions,
  DhtAddress,
  DhtNode,
  DhtService,
  DhtStats,
  GetOptions,
  MutableItem,
  MutableKey,
  PutReceipt,
  PutRequest,
} from "./model.ts"
export * as FolderStore from "./storage/FolderStore.ts"
export { type CacheEnvironment, userCacheFolder } from "./storage/userCacheFolder.ts"
