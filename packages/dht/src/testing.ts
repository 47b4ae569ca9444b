/** Test support: a simulated DHT in memory, a DHT of real nodes on loopback, and the decoders of what others send us. */
export {
  type Bencode,
  type BencodeDictionary,
  decode as decodeBencode,
  type Encodable,
  type EncodableDictionary,
  encode as encodeBencode,
} from "./krpc/bencode.ts"
export {
  type ErrorResponse,
  type KrpcMessage,
  parse as parseDatagram,
  type Query,
  type Reply,
  type Response,
  type UnknownQuery,
} from "./krpc/message.ts"
export { type DecodeKeptOptions, decodeKept, encodeKept, type SeenNode } from "./storage/nodesCodec.ts"
export * as DhtTestnet from "./testing/DhtTestnet.ts"
export * as MemoryDht from "./testing/MemoryDht.ts"
export type { MemoryDhtNetwork } from "./testing/memory/options.ts"
