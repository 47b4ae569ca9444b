/** Items as the slots of the simulated network hold them. */
import { Bytes } from "@topic-tracker/common"
import { type EqualSeq, encodeValue, refusal, type StoredItem } from "../../bep44/item.ts"
import type { MutableItem } from "../../model.ts"

/** An item that was put once; all slots that store it share it. */
export interface Item extends StoredItem {
  /** The form in which clients get it. */
  readonly found: MutableItem
  /** Whether the signature is right, once it was checked. */
  valid: boolean | undefined
}

/** The content of a slot. */
export interface Held {
  readonly item: Item
  readonly expiresAt: number
  /** The item before it, for stale nodes. */
  readonly previous: Item | undefined
}

/** An item whose signature was not checked yet. */
export const makeItem = (
  publicKey: Uint8Array,
  salt: Uint8Array | undefined,
  seq: bigint,
  value: Uint8Array,
  signature: Uint8Array,
): Item => ({
  publicKey,
  salt,
  seq,
  encodedValue: encodeValue(value),
  signature,
  found: { publicKey, ...(salt === undefined ? {} : { salt }), seq, value: new Uint8Array(value), signature },
  valid: undefined,
})

/** The content of a slot after a put of the item, kept for `ttl` ms; undefined if the node refuses it. */
export const heldAfter = (
  held: Held | undefined,
  item: Item,
  cas: bigint | undefined,
  equalSeq: EqualSeq,
  now: number,
  ttl: number,
): Held | undefined => {
  const current = held !== undefined && held.expiresAt > now ? held.item : undefined
  if (refusal(current, { ...item, cas }, equalSeq) !== undefined) return undefined
  // A second put of the same item only renews it: the previous item stays the same.
  const isSame = current !== undefined && Bytes.equals(current.signature, item.signature)
  return { item, expiresAt: now + ttl, previous: isSame ? held?.previous : held?.item }
}

/** A function that returns whether its item differs from all items that it got before. An item that was put again does not. */
export const distinct = (): ((item: Item) => boolean) => {
  const seen = new Set<string>()
  return ({ signature }) => {
    const { size } = seen
    return seen.add(Bytes.toHex(signature)).size > size
  }
}
