/**
 * Which virtual nodes of a simulated network are responsible for a target, and what they hold. The order of nodes around a
 * target is worked out once, since a topic's nodes all ask for the same few targets.
 */
import type { EqualSeq } from "../mutableItem.ts"
import { bytesKey, compareBytes, distance } from "../nodeId.ts"

export interface VirtualNode {
  readonly id: Uint8Array
  dead: boolean
  stale: boolean
  equalSeq: EqualSeq
  gets: number
  puts: number
}

/** The nodes that a walk to a target ends at. */
export interface Place<Held> {
  readonly name: string
  /** Indices of the k closest live nodes, closest first. */
  readonly nodes: ReadonlyArray<number>
  /** Whether there were dead nodes among those closer than the last. */
  readonly metDead: boolean
  /** What each node holds under the target, by index. */
  readonly slots: Map<number, Held>
}

interface Target<Held> {
  /** Indices of all nodes, closest first. */
  readonly order: ReadonlyArray<number>
  readonly slots: Map<number, Held>
}

export class TargetTable<Held> {
  private readonly nodes: ReadonlyArray<VirtualNode>
  private readonly k: number
  private readonly targets = new Map<string, Target<Held>>()
  private sweepAt = 256

  constructor(nodes: ReadonlyArray<VirtualNode>, k: number) {
    this.nodes = nodes
    this.k = k
  }

  /** The place of a target as a client sees it that reaches only some nodes. */
  at(target: Uint8Array, reaches: ((node: number) => boolean) | undefined): Place<Held> {
    const name = bytesKey(target)
    let entry = this.targets.get(name)
    if (entry === undefined) {
      entry = { order: this.order(target), slots: new Map() }
      this.targets.set(name, entry)
    }
    const closest: Array<number> = []
    let metDead = false
    for (const index of entry.order) {
      if (this.nodes[index]!.dead || reaches?.(index) === false) {
        metDead = true
        continue
      }
      closest.push(index)
      if (closest.length === this.k) break
    }
    return { name, nodes: closest, metDead, slots: entry.slots }
  }

  /** Now and then, forgets targets under which nothing is kept. */
  sweep(isKept: (held: Held) => boolean): void {
    if (this.targets.size < this.sweepAt) return
    for (const [name, { slots }] of this.targets) {
      if (![...slots.values()].some(isKept)) this.targets.delete(name)
    }
    this.sweepAt = Math.max(256, this.targets.size * 2)
  }

  private order(target: Uint8Array): ReadonlyArray<number> {
    const distances = this.nodes.map(({ id }) => distance(id, target))
    return distances.map((_, index) => index).sort((a, b) => compareBytes(distances[a]!, distances[b]!))
  }
}
