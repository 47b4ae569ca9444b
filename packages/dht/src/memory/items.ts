/** Items as the slots of the simulated network hold them. */
import { Bytes } from "@topic-tracker/common"
import type { MutableItem } from "../Dht.ts"
import { encode } from "../krpc/bencode.ts"
import { type EqualSeq, refusal, type StoredItem } from "../mutableItem.ts"

/** An item that was put once; all the slots it went into share it. */
export interface Item extends StoredItem {
  /** As it is handed out. */
  readonly shown: MutableItem
  /** Whether the signature holds, once that is known. */
  valid: boolean | undefined
}

/** What a slot holds. */
export interface Held {
  readonly item: Item
  readonly expiresAt: number
  /** What it held before, as far as a stale node shows it. */
  readonly previous: Item | undefined
}

/** An item whose signature is yet to be checked. */
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
  encodedValue: encode(value),
  signature,
  shown: { publicKey, ...(salt === undefined ? {} : { salt }), seq, value: new Uint8Array(value), signature },
  valid: undefined,
})

/** What a slot holds once its node was asked to store an item, for `ttl` ms; nothing when the node refuses it. */
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
  // Put again unaltered, an item is only renewed: its predecessor stays the same.
  const isSame = current !== undefined && Bytes.equals(current.signature, item.signature)
  return { item, expiresAt: now + ttl, previous: isSame ? held?.previous : held?.item }
}

/** Tells whether an item differs from all that it was asked of before; one that was put anew, unaltered, does not. */
export const distinct = (): ((item: Item) => boolean) => {
  const seen = new Set<string>()
  return ({ signature }) => {
    const { size } = seen
    return seen.add(Bytes.toHex(signature)).size > size
  }
}
