/** Test support: a simulated DHT in memory, and a DHT of real nodes on loopback. */
export * as DhtTestnet from "./testing/DhtTestnet.ts"
export * as MemoryDht from "./testing/MemoryDht.ts"
export type { MemoryDhtNetwork } from "./testing/memory/options.ts"
