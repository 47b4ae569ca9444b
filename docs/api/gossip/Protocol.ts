import { blake3, defaultConfig, maxContentBytes } from "@topic-tracker/gossip/Protocol"

console.log(blake3(new Uint8Array(0)).length) // → 32
console.log(maxContentBytes(defaultConfig.maxMessageSize)) // → 4055
