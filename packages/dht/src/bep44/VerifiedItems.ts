/**
 * Verifies the signatures of items and remembers the valid items: a repeated lookup receives the same items again, from every
 * node that holds them.
 */
import { BoundedMap, Bytes } from "@topic-tracker/common"
import type { Crypto } from "@topic-tracker/crypto"
import { bytesKey } from "../krpc/nodeId.ts"
import type { MutableItem, MutableKey } from "../model.ts"
import { encodeValue, hasSameContent, verifyItem } from "./item.ts"

/** Remembered items: 2 MB at most. */
const MAX_REMEMBERED = 2048

export class VerifiedItems {
  /** Items whose signature was wrong. */
  invalid = 0
  readonly #crypto: Crypto["Service"]
  readonly #remembered = new BoundedMap<string, MutableItem>(MAX_REMEMBERED)

  constructor(crypto: Crypto["Service"]) {
    this.#crypto = crypto
  }

  /** The item, if its signature is right: one object for as long as it is remembered. The given bytes are copied. */
  verify(key: MutableKey, seq: bigint, value: Uint8Array, signature: Uint8Array): MutableItem | undefined {
    const name = bytesKey(signature)
    const known = this.#remembered.get(name)
    if (known !== undefined && isSame(known, key, seq, value)) return known
    const { publicKey, salt } = key
    if (!verifyItem(this.#crypto, { publicKey, salt, seq, encodedValue: encodeValue(value), signature })) {
      this.invalid++
      return undefined
    }
    const item: MutableItem = { ...key, seq, value: value.slice(), signature: signature.slice() }
    this.#remembered.set(name, item)
    return item
  }
}

/** Whether all signed fields and the signer are the same. */
const isSame = (item: MutableItem, key: MutableKey, seq: bigint, value: Uint8Array): boolean =>
  hasSameContent(item, seq, value) &&
  Bytes.equals(item.publicKey, key.publicKey) &&
  Bytes.equals(item.salt ?? none, key.salt ?? none)

const none = new Uint8Array(0)
