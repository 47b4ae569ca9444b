import { bytes, fromBytes } from "@topic-tracker/crypto/EndpointId"

const id = fromBytes(new Uint8Array(32).fill(7))
console.log(id.slice(0, 8)) // → 07070707
console.log(bytes(id).length) // → 32
