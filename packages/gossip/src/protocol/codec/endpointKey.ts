/** Whether bytes are a key that other nodes accept as an endpoint id: half of all byte strings are not. */
import { ed25519 } from "@noble/curves/ed25519.js"
import { BoundedMap } from "@topic-tracker/common"

/**
 * A square root in the field costs tens of microseconds, and the same peers are named again and again, so the answers are kept: of a swarm
 * of ten thousand all of them, in 2 MB at most. The value is the key itself, or nothing if it is none.
 */
const knownKeys = new BoundedMap<string, string>(16_384)

/**
 * `id`: 64 lowercase hex digits. Accepts the same keys as `VerifyingKey::from_bytes` of ed25519-dalek.
 *
 * @since 0.1.0
 * @category predicates
 */
export const isEndpointKey = (id: string): boolean => {
  const known = knownKeys.get(id)
  if (known !== undefined) return known !== ""
  const isKey = isCurvePoint(id)
  knownKeys.set(id, isKey ? id : "")
  return isKey
}

/** The same id, as the one string that all views of the process share if it is a known key: a message makes a new string for each name. */
export const sharedId = <Id extends string>(id: Id): Id => (knownKeys.get(id) || id) as Id

const isCurvePoint = (id: string): boolean => {
  try {
    // ZIP 215 rules: y may be written as a value that is not below the field's prime, as in dalek's decompression.
    ed25519.Point.fromHex(id, true)
    return true
  } catch {
    return false
  }
}
