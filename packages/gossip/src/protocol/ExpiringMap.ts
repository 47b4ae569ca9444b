/**
 * A map whose entries last for a fixed time after they were last set, and of which the oldest go first when it becomes too
 * large. Every entry lives equally long, so the order in which they were set is the order in which they expire: a queue is
 * enough. (A Map keeps that order too, but finds its first entry only by passing over every one that was deleted.)
 */
export interface ExpiringMapOptions<V> {
  readonly retentionMs: number
  /** The most weight that the entries may have together. */
  readonly capacity: number
  /** What an entry counts for against the capacity. */
  readonly weight: (value: V) => number
}

interface Entry<K, V> {
  readonly key: K
  readonly value: V
  readonly expires: number
}

export class ExpiringMap<K, V> {
  private readonly entries = new Map<K, Entry<K, V>>()
  /** Entries as they were set, from `head` on. One that was set again meanwhile is no longer the one in `entries`. */
  private queue: Array<Entry<K, V>> = []
  private head = 0
  private weight = 0
  private readonly options: ExpiringMapOptions<V>

  constructor(options: ExpiringMapOptions<V>) {
    this.options = options
  }

  get size(): number {
    return this.entries.size
  }

  has(key: K): boolean {
    return this.entries.has(key)
  }

  get(key: K): V | undefined {
    return this.entries.get(key)?.value
  }

  /** `now` in milliseconds, never less than in an earlier call. */
  set(key: K, value: V, now: number): void {
    const { capacity, retentionMs, weight } = this.options
    const before = this.entries.get(key)
    if (before !== undefined) this.weight -= weight(before.value)
    const entry = { key, value, expires: now + retentionMs }
    this.entries.set(key, entry)
    this.queue.push(entry)
    this.weight += weight(value)
    while (this.weight > capacity) this.removeOldest()
  }

  /** Removes the entries whose time is up. Until then they are still found. */
  evict(now: number): void {
    while (this.head < this.queue.length && this.queue[this.head]!.expires <= now) this.removeOldest()
  }

  private removeOldest(): void {
    const entry = this.queue[this.head++]!
    if (this.entries.get(entry.key) === entry) {
      this.entries.delete(entry.key)
      this.weight -= this.options.weight(entry.value)
    }
    // Gives back the memory of what was removed once that is the larger part.
    if (this.head >= 1_024 && this.head * 2 >= this.queue.length) {
      this.queue = this.queue.slice(this.head)
      this.head = 0
    }
  }
}
