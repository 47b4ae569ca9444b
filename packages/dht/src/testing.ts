/** Test support: a simulated DHT in memory, a DHT of real nodes on loopback, and the bytes of items for checks of test vectors. */
export { signable, targetOf, verifyItem } from "./bep44/item.ts"
export { encode as bencode } from "./krpc/bencode.ts"
export * as DhtTestnet from "./testing/DhtTestnet.ts"
export * as MemoryDht from "./testing/MemoryDht.ts"
export type { MemoryDhtNetwork } from "./testing/memory/options.ts"
