export {
  Dht,
  type DhtAddress,
  DhtError,
  type DhtNode,
  type DhtStats,
  type GetOptions,
  type MutableItem,
  type MutableKey,
  type PutReceipt,
  type PutRequest,
} from "./Dht.ts"
export * as DhtConfig from "./DhtConfig.ts"
export * as DhtTestnet from "./DhtTestnet.ts"
export * as MemoryDht from "./MemoryDht.ts"
export { checkVectors } from "./vectors.ts"
