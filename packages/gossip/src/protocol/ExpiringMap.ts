/**
 * A map whose entries last for a fixed time after they were last set, and of which the oldest go first when it becomes too
 * large. Every entry lives equally long, so a Map's order of insertion is the order of expiry and no queue is needed.
 */
export interface ExpiringMapOptions<V> {
  readonly retentionMs: number
  /** The most weight that the entries may have together. */
  readonly capacity: number
  /** What an entry counts for against the capacity. */
  readonly weight: (value: V) => number
}

export class ExpiringMap<K, V> {
  private readonly entries = new Map<K, { readonly value: V; readonly expires: number }>()
  private readonly options: ExpiringMapOptions<V>
  private weight = 0

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
    this.delete(key)
    this.entries.set(key, { value, expires: now + this.options.retentionMs })
    this.weight += this.options.weight(value)
    if (this.weight > this.options.capacity) this.shrink()
  }

  /** Removes the entries whose time is up. Until then they are still found. */
  evict(now: number): void {
    for (const [key, entry] of this.entries) {
      if (entry.expires > now) return
      this.delete(key)
    }
  }

  private shrink(): void {
    for (const key of this.entries.keys()) {
      if (this.weight <= this.options.capacity) return
      this.delete(key)
    }
  }

  private delete(key: K): void {
    const entry = this.entries.get(key)
    if (entry === undefined) return
    this.entries.delete(key)
    this.weight -= this.options.weight(entry.value)
  }
}
