/**
 * The virtual nodes that are responsible for a target, and what they hold. The order of nodes around a target is computed once,
 * because the nodes of a topic all ask for the same few targets.
 */
import { Bytes } from "@topic-tracker/common"
import type { EqualSeq } from "../../bep44/item.ts"
import { bytesKey, distance } from "../../krpc/nodeId.ts"

export interface VirtualNode {
  readonly id: Uint8Array
  dead: boolean
  stale: boolean
  equalSeq: EqualSeq
  gets: number
  puts: number
  /** The gets that it may still answer at {@link quotaAt} (ms). */
  quota: number
  quotaAt: number
  /** 0 to 1: how much later than a whole number of gets its rate begins to count. Otherwise all nodes would answer at the same moments. */
  readonly phase: number
}

/** The nodes at which a lookup of a target ends. */
export interface Place<Held> {
  readonly name: string
  /** Indices of the k closest live nodes, closest first. */
  readonly nodes: ReadonlyArray<number>
  /** Whether dead nodes are among those closer than the last. */
  readonly metDead: boolean
  /** The content that each node holds under the target, by index. */
  readonly slots: Map<number, Held>
}

interface Target<Held> {
  /** Indices of all nodes, closest first. */
  readonly order: ReadonlyArray<number>
  readonly slots: Map<number, Held>
}

export class TargetTable<Held> {
  readonly #nodes: ReadonlyArray<VirtualNode>
  readonly #k: number
  readonly #targets = new Map<string, Target<Held>>()
  #sweepAt = 256

  constructor(nodes: ReadonlyArray<VirtualNode>, k: number) {
    this.#nodes = nodes
    this.#k = k
  }

  /** The place of a target for a client that reaches only some nodes. */
  at(target: Uint8Array, reaches: ((node: number) => boolean) | undefined): Place<Held> {
    const name = bytesKey(target)
    let entry = this.#targets.get(name)
    if (entry === undefined) {
      entry = { order: this.#order(target), slots: new Map() }
      this.#targets.set(name, entry)
    }
    const closest: Array<number> = []
    let metDead = false
    for (const index of entry.order) {
      if (this.#nodes[index]!.dead || reaches?.(index) === false) {
        metDead = true
        continue
      }
      closest.push(index)
      if (closest.length === this.#k) break
    }
    return { name, nodes: closest, metDead, slots: entry.slots }
  }

  /** Forgets targets under which nothing is kept, when many have been added since the last time. */
  sweep(isKept: (held: Held) => boolean): void {
    if (this.#targets.size < this.#sweepAt) return
    for (const [name, { slots }] of this.#targets) {
      if (![...slots.values()].some(isKept)) this.#targets.delete(name)
    }
    this.#sweepAt = Math.max(256, this.#targets.size * 2)
  }

  #order(target: Uint8Array): ReadonlyArray<number> {
    const distances = this.#nodes.map(({ id }) => distance(id, target))
    return distances.map((_, index) => index).sort((a, b) => Bytes.compare(distances[a]!, distances[b]!))
  }
}
