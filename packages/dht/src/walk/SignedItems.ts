/**
 * Checks the signatures of items, and remembers those that held: who asks again gets the same items again, from every node
 * that keeps them.
 */
import { Bytes } from "@topic-tracker/common"
import type { Crypto } from "@topic-tracker/crypto"
import type { MutableItem, MutableKey } from "../Dht.ts"
import { encode } from "../krpc/bencode.ts"
import { says, verifyItem } from "../mutableItem.ts"
import { bytesKey } from "../nodeId.ts"

/** Items remembered, the one checked longest ago forgotten first: 2 MB at most. */
const rememberedMax = 2048

export class SignedItems {
  /** Items whose signature did not hold. */
  invalid = 0
  private readonly crypto: Crypto["Service"]
  private readonly remembered = new Map<string, MutableItem>()

  constructor(crypto: Crypto["Service"]) {
    this.crypto = crypto
  }

  /** The item, if its signature holds: one object for as long as it is remembered. The bytes given are copied. */
  get(key: MutableKey, seq: bigint, value: Uint8Array, signature: Uint8Array): MutableItem | undefined {
    const name = bytesKey(signature)
    const known = this.remembered.get(name)
    if (known !== undefined && isSame(known, key, seq, value)) return known
    const { publicKey, salt } = key
    if (!verifyItem(this.crypto, { publicKey, salt, seq, encodedValue: encode(value), signature })) {
      this.invalid++
      return undefined
    }
    const item: MutableItem = { ...key, seq, value: value.slice(), signature: signature.slice() }
    if (this.remembered.size >= rememberedMax) this.remembered.delete(this.remembered.keys().next().value!)
    this.remembered.set(name, item)
    return item
  }
}

/** Whether all that is signed is the same, and by whom. */
const isSame = (item: MutableItem, key: MutableKey, seq: bigint, value: Uint8Array): boolean =>
  says(item, seq, value) &&
  Bytes.equals(item.publicKey, key.publicKey) &&
  Bytes.equals(item.salt ?? none, key.salt ?? none)

const none = new Uint8Array(0)
