/** Checks the arguments of the service's calls, the same for every layer. Each error names the argument and its allowed range. */
import { MAX_SALT_BYTES, MAX_SEQ, MAX_VALUE_BYTES, MIN_SEQ } from "@topic-tracker/common/Bep44"
import { DhtError } from "./DhtError.ts"
import type { GetOptions, MutableKey, PutRequest } from "./model.ts"

const invalid = (message: string): DhtError => new DhtError({ reason: "InvalidArgument", message })

const invalidKey = ({ publicKey, salt }: MutableKey): DhtError | undefined => {
  if (publicKey.length !== 32) return invalid(`publicKey: ${publicKey.length} bytes; an Ed25519 public key has 32`)
  if (salt !== undefined && salt.length > MAX_SALT_BYTES) {
    return invalid(`salt: ${salt.length} bytes; BEP 44 allows at most ${MAX_SALT_BYTES}`)
  }
  return undefined
}

const invalidCount = (name: string, count: number | undefined): DhtError | undefined =>
  count === undefined || (Number.isSafeInteger(count) && count >= 1)
    ? undefined
    : invalid(`${name}: ${count}; must be an integer of at least 1`)

/** The error of a get with these arguments, or undefined. */
export const invalidGet = (key: MutableKey, { nodes, onNearest }: GetOptions): DhtError | undefined =>
  invalidKey(key) ?? invalidCount("nodes", nodes) ?? invalidCount("onNearest.nodes", onNearest?.nodes)

/** The error of this put, or undefined. */
export const invalidPut = ({ key, salt, seq, cas, value, onStored }: PutRequest): DhtError | undefined => {
  if (value.length > MAX_VALUE_BYTES) {
    return invalid(`value: ${value.length} bytes; at most ${MAX_VALUE_BYTES}, so that its bencoding is under 1,000`)
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
    invalidCount("onStored.nodes", onStored?.nodes)
  )
}
