/**
 * A mutable item of BEP 44 as bytes: where it lives, what its signature covers, what sizes it may have. The value is kept in
 * its bencoded form here, since that is what is signed and what others must get back unaltered.
 */

import { sha1 } from "@noble/hashes/legacy.js"
import { Bytes } from "@topic-tracker/common"
import type { Crypto } from "@topic-tracker/crypto"
import { decode, encode } from "./krpc/bencode.ts"

/** BEP 44: at most 64 bytes of salt, and a bencoded value shorter than 1,000 bytes. */
export const MAX_SALT_LENGTH = 64
export const MAX_ENCODED_VALUE_LENGTH = 999

/** The largest byte string whose bencoding ("995:" before it) fits. */
export const MAX_VALUE_LENGTH = 995

/** BEP 44 leaves the range open; every client known keeps seq in a signed 64-bit integer. */
export const MAX_SEQ = 2n ** 63n - 1n
export const MIN_SEQ = -(2n ** 63n)

/** What a node stores under a target. */
export interface StoredItem {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  readonly salt: Uint8Array | undefined
  readonly seq: bigint
  /** The value's bencoding. */
  readonly encodedValue: Uint8Array
  /** 64 bytes. */
  readonly signature: Uint8Array
}

const ascii = new TextEncoder()
const none = new Uint8Array(0)

/** Where an item lives: SHA-1 of public key ‖ salt, 20 bytes. */
export const targetOf = (publicKey: Uint8Array, salt?: Uint8Array): Uint8Array =>
  sha1(Bytes.concat(publicKey, salt ?? none))

/** Where an immutable item lives: SHA-1 of its bencoding. */
export const immutableTarget = (encodedValue: Uint8Array): Uint8Array => sha1(encodedValue)

/**
 * What the signature covers: the bencoded entries salt (left out when empty), seq and v, without the dictionary around
 * them.
 */
export const signable = (salt: Uint8Array | undefined, seq: bigint, encodedValue: Uint8Array): Uint8Array => {
  const rest = Bytes.concat(ascii.encode(`3:seqi${seq}e1:v`), encodedValue)
  return salt === undefined || salt.length === 0 ? rest : Bytes.concat(ascii.encode("4:salt"), encode(salt), rest)
}

/** Whether the item's signature holds. */
export const verifyItem = (crypto: Crypto["Service"], item: StoredItem): boolean =>
  crypto.verify(item.publicKey, signable(item.salt, item.seq, item.encodedValue), item.signature)

/** Whether the item has this seq and value: then it says the same, whoever answered with it. */
export const says = (
  item: { readonly seq: bigint; readonly value: Uint8Array },
  seq: bigint,
  value: Uint8Array,
): boolean => item.seq === seq && Bytes.equals(item.value, value)

/** The bytes of an encoded byte string, or undefined when the value is of another kind. */
export const valueBytes = (encodedValue: Uint8Array): Uint8Array | undefined => {
  const value = decode(encodedValue)
  return value instanceof Uint8Array ? value : undefined
}

/** How a node treats a put of the seq it already holds, with another value. */
export type EqualSeq = "overwrite" | "keep-first"

/**
 * What BEP 44 has a node do with a put over what it holds: undefined means store it, else the error to answer with.
 * For an equal seq with another value, mainline (Rust) overwrites while libtorrent and bittorrent-dht keep the first; the
 * same value again only renews it.
 */
export const refusal = (
  held: StoredItem | undefined,
  put: { readonly seq: bigint; readonly cas?: bigint | undefined; readonly encodedValue: Uint8Array },
  equalSeq: EqualSeq,
): "cas" | "seq" | undefined => {
  if (held === undefined) return undefined
  if (put.cas !== undefined && put.cas !== held.seq) return "cas"
  if (put.seq < held.seq) return "seq"
  if (put.seq > held.seq || equalSeq === "overwrite") return undefined
  return Bytes.equals(put.encodedValue, held.encodedValue) ? undefined : "seq"
}
