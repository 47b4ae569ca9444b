export {
  Dht,
  type DhtAddress,
  DhtError,
  type DhtStats,
  type MutableItem,
  type MutableKey,
  type PutReceipt,
  type PutRequest,
} from "./Dht.ts"
