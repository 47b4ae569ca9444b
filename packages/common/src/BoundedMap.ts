/**
 * A Map with a maximum size that drops its oldest entry when it is full. For caches, and for data about other nodes: a remote node
 * must not be able to fill our memory.
 */

/**
 * The order of age is the order in which entries were last set: `set` moves an existing key to the newest place,
 * `get` does not. Use `touch` where a read counts as use (an LRU cache).
 *
 * @since 0.1.0
 * @category models
 */
export class BoundedMap<K, V> extends Map<K, V> {
  /** The maximum number of entries. */
  readonly capacity: number

  /** Throws a RangeError unless `capacity` is a whole number of at least 1. */
  constructor(capacity: number) {
    super()
    if (!Number.isInteger(capacity) || capacity < 1) {
      throw new RangeError(`capacity: ${capacity}; expected a whole number of at least 1`)
    }
    this.capacity = capacity
  }

  /** Sets the entry as the newest one. Drops the oldest entry if the map would hold more than `capacity`. */
  override set(key: K, value: V): this {
    super.delete(key)
    super.set(key, value)
    if (this.size > this.capacity) super.delete(this.keys().next().value!)
    return this
  }

  /** The value of the key, which becomes the newest entry. */
  touch(key: K): V | undefined {
    const value = this.get(key)
    if (value !== undefined) this.set(key, value)
    return value
  }
}
