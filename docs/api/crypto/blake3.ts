import { toHex } from "@topic-tracker/common/Bytes"
import { blake3 } from "@topic-tracker/crypto/blake3"

console.log(toHex(blake3(new Uint8Array(0))).slice(0, 16)) // → af1349b9f5f9a1a6
