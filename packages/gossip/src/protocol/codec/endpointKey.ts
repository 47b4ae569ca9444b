/**
 * Whether 32 bytes are an Ed25519 public key at all. Half of all byte strings are not. Taking a square root in the field
 * costs tens of microseconds, and the same few peers are named again and again, so the answers are remembered.
 */
import { ed25519 } from "@noble/curves/ed25519.js"

const capacity = 4_096
const known = new Map<string, boolean>()

/** `id`: 64 lowercase hex digits. Accepts what `VerifyingKey::from_bytes` of ed25519-dalek accepts. */
export const isEndpointKey = (id: string): boolean => {
  const answer = known.get(id)
  if (answer !== undefined) return answer
  const isKey = isPoint(id)
  if (known.size >= capacity)
    for (const oldest of known.keys()) {
      known.delete(oldest)
      break
    }
  known.set(id, isKey)
  return isKey
}

const isPoint = (id: string): boolean => {
  try {
    // ZIP 215 rules: y may be written with a value of the field's prime or above, as dalek's decompression has it.
    ed25519.Point.fromHex(id, true)
    return true
  } catch {
    return false
  }
}
