/**
 * Nodes all over the id space: those that a program gave, those that an earlier run kept, and those that answered in this one. The routing
 * table knows many nodes near us and twenty in the other half of the space; a lookup of a random target begins nearer to it here.
 * Lookups take them as the names of one more source that may be wrong. Plain state: it opens no file and sends no packet.
 */
import { Bytes } from "@topic-tracker/common"
import { addressKey } from "../krpc/KrpcSocket.ts"
import type { DhtAddress, DhtNode } from "../model.ts"
import { MAX_KEPT_NODES, type SeenNode } from "../storage/nodesCodec.ts"

interface Remembered {
  readonly node: SeenNode
  /** The nodes known from this run. A node that was silent once is not kept: there are others. */
  state: "unknown" | "answered" | "silent"
}

/** The id space has 2^9 parts, as many as nodes are kept: a node in the part of the target is some nine bits near to it. */
const PART_BITS = 9
const PARTS = 2 ** PART_BITS

/** The nodes of one part; the last that answered stay. */
const MAX_IN_PART = 2

export class RememberedNodes {
  /** The nodes of each part: first those of this run, then the last seen. */
  readonly #parts = Array.from({ length: PARTS }, (): Array<Remembered> => [])
  readonly #byAddress = new Map<string, Remembered>()

  constructor(nodes: ReadonlyArray<SeenNode>) {
    for (const node of [...nodes].sort((a, b) => b.seenAt - a.seenAt)) {
      const part = this.#parts[partOf(node.id)]!
      if (part.length < MAX_IN_PART && !this.#byAddress.has(addressKey(node))) this.#insert(part, node, "unknown")
    }
  }

  get size(): number {
    return this.#byAddress.size
  }

  #insert(part: Array<Remembered>, node: SeenNode, state: Remembered["state"]): void {
    const added: Remembered = { node, state }
    if (state === "answered") part.unshift(added)
    else part.push(added)
    this.#byAddress.set(addressKey(node), added)
    const dropped = part.length > MAX_IN_PART ? part.pop() : undefined
    if (dropped !== undefined) this.#byAddress.delete(addressKey(dropped.node))
  }

  /** Up to this many nodes of the parts nearest to the target, nearest first, without silent ones. */
  closest(target: Uint8Array, count: number): ReadonlyArray<DhtNode> {
    const nodes: Array<DhtNode> = []
    const around = partOf(target)
    for (let distance = 0; distance < PARTS; distance++) {
      for (const { node, state } of this.#parts[around ^ distance]!) {
        if (nodes.length === count) return nodes
        if (state !== "silent") nodes.push(node)
      }
    }
    return nodes
  }

  /** A node answered under this id. */
  answered(id: Uint8Array, { host, port }: DhtAddress): void {
    const known = this.#byAddress.get(addressKey({ host, port }))
    if (known !== undefined) {
      if (Bytes.equals(known.node.id, id)) {
        known.state = "answered"
        return
      }
      const part = this.#parts[partOf(known.node.id)]!
      part.splice(part.indexOf(known), 1)
    }
    // Copied: an id of an answer would hold on to the whole datagram.
    this.#insert(this.#parts[partOf(id)]!, { id: id.slice(), host, port, seenAt: 0 }, "answered")
  }

  /** A query to the address was lost. */
  lost(address: DhtAddress): void {
    const known = this.#byAddress.get(addressKey(address))
    if (known !== undefined) known.state = "silent"
  }

  /**
   * The nodes to keep for the next run, at most {@link MAX_KEPT_NODES}: of each part the best, then of each the second, and so on. `now`:
   * Unix ms. Nodes of the program that have not answered are not kept: nobody knows when they did.
   */
  toKeep(now: number): ReadonlyArray<SeenNode> {
    const kept: Array<SeenNode> = []
    const parts = this.#parts.map((part) =>
      part
        .filter(({ state }) => state !== "silent")
        .map(({ node, state }) => (state === "answered" ? { ...node, seenAt: now } : node))
        .filter(({ seenAt }) => seenAt > 0),
    )
    for (let place = 0; place < MAX_IN_PART; place++) {
      kept.push(...parts.flatMap((part) => part[place] ?? []))
    }
    return kept.slice(0, MAX_KEPT_NODES)
  }
}

const partOf = (id: Uint8Array): number => (id[0]! << (PART_BITS - 8)) | (id[1]! >> (16 - PART_BITS))
