/**
 * Mutable items of BEP 44 as bytes: the target, the signed bytes, and the rules for a put. Values are kept bencoded here, because
 * the signature covers the bencoding and other nodes must get it back unchanged.
 */
import { sha1 } from "@noble/hashes/legacy.js"
import { Bytes } from "@topic-tracker/common"
import type { Crypto } from "@topic-tracker/crypto"
import { decode, encode } from "../krpc/bencode.ts"

/**
 * The content that a node stores under a target.
 * @since 0.1.0
 * @category models
 */
export interface StoredItem {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  readonly salt: Uint8Array | undefined
  readonly seq: bigint
  /** The bencoding of the value. */
  readonly encodedValue: Uint8Array
  /** 64 bytes. */
  readonly signature: Uint8Array
}

const ascii = new TextEncoder()
const none = new Uint8Array(0)

/**
 * The target of a mutable item: SHA-1 of public key ‖ salt, 20 bytes.
 * @since 0.1.0
 * @category operations
 */
export const targetOf = (publicKey: Uint8Array, salt?: Uint8Array): Uint8Array =>
  sha1(Bytes.concat(publicKey, salt ?? none))

/** The target of an immutable item: SHA-1 of its bencoding. */
export const immutableTarget = (encodedValue: Uint8Array): Uint8Array => sha1(encodedValue)

/**
 * The bytes that the signature covers: the bencoded entries salt (left out if empty), seq and v, without the dictionary
 * around them.
 * @since 0.1.0
 * @category encoding
 */
export const signable = (salt: Uint8Array | undefined, seq: bigint, encodedValue: Uint8Array): Uint8Array => {
  const rest = Bytes.concat(ascii.encode(`3:seqi${seq}e1:v`), encodedValue)
  return salt === undefined || salt.length === 0 ? rest : Bytes.concat(ascii.encode("4:salt"), encode(salt), rest)
}

/**
 * Whether the signature of the item is right. An item whose key or R (the first half of the signature) is a point of small order
 * is nobody's: it is refused by its bytes, because the arithmetic for such points takes over 1 ms.
 * @since 0.1.0
 * @category encoding
 */
export const verifyItem = (crypto: Crypto["Service"], item: StoredItem): boolean =>
  crypto.verifyStrict(item.publicKey, signable(item.salt, item.seq, item.encodedValue), item.signature)

/**
 * The bencoding of a value that is a byte string.
 * @since 0.1.0
 * @category encoding
 */
export const encodeValue = (value: Uint8Array): Uint8Array => encode(value)

/** Whether the item has this seq and value. */
export const hasSameContent = (
  item: { readonly seq: bigint; readonly value: Uint8Array },
  seq: bigint,
  value: Uint8Array,
): boolean => item.seq === seq && Bytes.equals(item.value, value)

/** The bytes of an encoded byte string, or undefined if the value is of another kind. */
export const valueBytes = (encodedValue: Uint8Array): Uint8Array | undefined => {
  const value = decode(encodedValue)
  return value instanceof Uint8Array ? value : undefined
}

/** The treatment of a put with another value and the seq that the node already holds. */
export type EqualSeq = "overwrite" | "keep-first"

/**
 * The rules of BEP 44 for a put over a held item: undefined if it is to be stored, else the error to answer with.
 * For an equal seq with another value, mainline (Rust) overwrites while libtorrent and bittorrent-dht keep the first value; a
 * put of the same value only renews the item.
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
