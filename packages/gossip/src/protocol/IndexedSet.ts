/**
 * A set whose members can be picked at random in constant time. A removed member is replaced by the last one, so the order has
 * no meaning; each pick is uniform. Sets here have 5 to 30 members: copies are cheap, but each message needs a membership
 * check, so there is an index.
 */
import type { Rng } from "./Rng.ts"

export class IndexedSet<A> {
  private readonly items: Array<A> = []
  private readonly positions = new Map<A, number>()

  get size(): number {
    return this.items.length
  }

  /** The members, in no particular order. Valid until the set changes. */
  get values(): ReadonlyArray<A> {
    return this.items
  }

  has(item: A): boolean {
    return this.positions.has(item)
  }

  /** Returns whether the item is new. */
  add(item: A): boolean {
    if (this.positions.has(item)) return false
    this.positions.set(item, this.items.length)
    this.items.push(item)
    return true
  }

  /** Returns whether the item was a member. */
  delete(item: A): boolean {
    const position = this.positions.get(item)
    if (position === undefined) return false
    this.positions.delete(item)
    const last = this.items.pop() as A
    if (position < this.items.length) {
      this.items[position] = last
      this.positions.set(last, position)
    }
    return true
  }

  /** A member, each equally likely; undefined if the set is empty. */
  pick(rng: Rng): A | undefined {
    return this.items.length === 0 ? undefined : this.items[rng.nextInt(this.items.length)]
  }

  /** A member that `excluded` does not match, each equally likely; undefined if there is none. */
  pickExcept(rng: Rng, excluded: (item: A) => boolean): A | undefined {
    const candidates = this.items.filter((item) => !excluded(item))
    return candidates.length === 0 ? undefined : candidates[rng.nextInt(candidates.length)]
  }

  /** At most `count` members that `excluded` does not match, in random order, each choice equally likely. */
  sample(rng: Rng, count: number, excluded: (item: A) => boolean = () => false): Array<A> {
    const items = this.items.filter((item) => !excluded(item))
    const size = Math.min(count, items.length)
    // Fisher and Yates, only as far as needed: position i gets any of the items that are not yet placed.
    for (let i = 0; i < size; i++) {
      const j = i + rng.nextInt(items.length - i)
      const chosen = items[j] as A
      items[j] = items[i] as A
      items[i] = chosen
    }
    items.length = size
    return items
  }
}
