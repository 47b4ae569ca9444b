/**
 * The distance in which k nodes are expected around any target, from the nodes nearest to our own id: ids are random, so that all
 * places are equally dense. An attacker's nodes beside a target are much closer (see `LookupState`).
 */
import { bytesKey, distancePrefix, ID_SPACE } from "../krpc/nodeId.ts"
import type { DhtNode } from "../model.ts"

export interface DensityOptions {
  readonly k: number
  /** Our node id. */
  readonly id: () => Uint8Array
  /** The known nodes nearest to us, in any order; undefined if we do not know our neighbourhood yet. */
  readonly nearest: () => ReadonlyArray<DhtNode> | undefined
  /** Monotonic, in ms. */
  readonly now: () => number
}

/** The time for which a value is kept. */
const KEEP_MS = 1000

/**
 * Two nodes whose distances differ by less than this part of the mean difference are in a heap: an attacker has placed them beside
 * a target that happens to be near us. Of nodes with random ids one in 32 counts so.
 */
const HEAP_PART = 1 / 32

export class Density {
  readonly #options: DensityOptions
  #value: number | undefined
  #until = Number.NEGATIVE_INFINITY

  constructor(options: DensityOptions) {
    this.#options = options
  }

  /** As a `distancePrefix`: the whole id space if fewer than k nodes are known. Undefined if that is unknown. */
  get expectedDistance(): number | undefined {
    const now = this.#options.now()
    if (now >= this.#until) {
      this.#value = this.#measure()
      this.#until = now + KEEP_MS
    }
    return this.#value
  }

  #measure(): number | undefined {
    const { id, k, nearest } = this.#options
    const own = id()
    const nodes = nearest()
    if (nodes === undefined) return undefined
    const distances = new Map(nodes.map((node) => [bytesKey(node.id), distancePrefix(own, node.id)]))
    if (distances.size < k) return ID_SPACE
    const sorted = [...distances.values()].sort((a, b) => a - b).slice(0, k)
    const far = sorted[k - 1]!
    // Nodes in a heap count as one.
    const apart = sorted.filter((distance, i) => distance - (sorted[i - 1] ?? 0) >= (far / k) * HEAP_PART).length
    return Math.min(ID_SPACE, (far * k) / Math.max(1, apart))
  }
}
