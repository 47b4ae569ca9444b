/** The checks of what callers pass to the service, the same for every layer: each names the argument and what it may be. */
import type { GetOptions, MutableKey, PutRequest } from "./Dht.ts"
import { DhtError } from "./DhtError.ts"
import { MAX_SALT_LENGTH, MAX_SEQ, MAX_VALUE_LENGTH, MIN_SEQ } from "./mutableItem.ts"

const invalid = (message: string): DhtError => new DhtError({ reason: "InvalidArgument", message })

/** Why this is no key of a mutable item, or undefined. */
const invalidKey = ({ publicKey, salt }: MutableKey): DhtError | undefined => {
  if (publicKey.length !== 32) return invalid(`publicKey: ${publicKey.length} bytes; an Ed25519 public key has 32`)
  if (salt !== undefined && salt.length > MAX_SALT_LENGTH) {
    return invalid(`salt: ${salt.length} bytes; BEP 44 allows at most ${MAX_SALT_LENGTH}`)
  }
  return undefined
}

/** Why this cannot be asked for, or undefined. */
export const invalidGet = (key: MutableKey, { nodes, whenHeard }: GetOptions): DhtError | undefined =>
  invalidKey(key) ?? invalidCount("nodes", nodes) ?? invalidCount("whenHeard.nodes", whenHeard?.nodes)

const invalidCount = (name: string, count: number | undefined): DhtError | undefined =>
  count === undefined || (Number.isSafeInteger(count) && count >= 1)
    ? undefined
    : invalid(`${name}: ${count}; must be an integer of at least 1`)

/** Why this cannot be put, or undefined. */
export const invalidPut = ({ key, salt, seq, cas, value, whenStored }: PutRequest): DhtError | undefined => {
  if (value.length > MAX_VALUE_LENGTH) {
    return invalid(`value: ${value.length} bytes; at most ${MAX_VALUE_LENGTH}, so that its bencoding is under 1,000`)
  }
  for (const [name, number] of [
    ["seq", seq],
    ["cas", cas],
  ] as const) {
    if (number !== undefined && (number > MAX_SEQ || number < MIN_SEQ)) {
      return invalid(`${name}: ${number}; a signed 64-bit integer is -2^63 to 2^63 - 1`)
    }
  }
  return (
    invalidKey({ publicKey: key.publicKey, ...(salt === undefined ? {} : { salt }) }) ??
    invalidCount("whenStored.nodes", whenStored?.nodes)
  )
}
