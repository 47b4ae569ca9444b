/** What this node keeps for others (BEP 44): bounded in number and age, the least recently used leaves first. */
import type { StoredItem } from "../mutableItem.ts"
import { bytesKey } from "../nodeId.ts"

/** An immutable item is its value alone. */
export interface StoredValue {
  readonly encodedValue: Uint8Array
}

export type Stored = StoredItem | StoredValue

export interface ItemStoreOptions {
  readonly maxItems: number
  /** How long an item is kept after its last put, in ms. BEP 44 says at least two hours. */
  readonly ttl: number
}

export class ItemStore {
  private readonly options: ItemStoreOptions
  private readonly entries = new Map<string, { readonly item: Stored; readonly expiresAt: number }>()

  constructor(options: ItemStoreOptions) {
    this.options = options
  }

  get size(): number {
    return this.entries.size
  }

  /** What is stored under the target at the time, in ms. */
  get(target: Uint8Array, now: number): Stored | undefined {
    const key = bytesKey(target)
    const entry = this.entries.get(key)
    if (entry === undefined) return undefined
    this.entries.delete(key)
    if (entry.expiresAt <= now) return undefined
    this.entries.set(key, entry)
    return entry.item
  }

  /** Stores the item under the target, in place of what was there. */
  set(target: Uint8Array, item: Stored, now: number): void {
    const key = bytesKey(target)
    this.entries.delete(key)
    this.entries.set(key, { item, expiresAt: now + this.options.ttl })
    if (this.entries.size <= this.options.maxItems) return
    for (const oldest of this.entries.keys()) {
      this.entries.delete(oldest)
      break
    }
  }
}
