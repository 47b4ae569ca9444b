/** Test support: a simulated DHT in memory, a DHT of real nodes on loopback, and the decoders of what others send us. */
export { decode as decodeBencode, encode as encodeBencode } from "./krpc/bencode.ts"
export { parse as parseDatagram } from "./krpc/message.ts"
export { decodeFile as decodeNodesFile, encodeFile as encodeNodesFile } from "./routing/nodesFile.ts"
export * as DhtTestnet from "./testing/DhtTestnet.ts"
export * as MemoryDht from "./testing/MemoryDht.ts"
export type { MemoryDhtNetwork } from "./testing/memory/options.ts"
