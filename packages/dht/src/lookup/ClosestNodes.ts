/**
 * Remembers for five minutes which nodes were closest to a target, with their tokens: a put then needs no lookup of its own, and
 * the next lookup starts where the last one ended. A client remembers them for each minute of each topic, so they are packed: as
 * objects they would be thousands, each holding on to the whole datagram that named it.
 */
import { BoundedMap } from "@topic-tracker/common"
import { COMPACT_NODE_BYTES, encodeNodes, nodeAt } from "../krpc/compactNodes.ts"
import { bytesKey } from "../krpc/nodeId.ts"
import type { DhtNode } from "../model.ts"

/** A node that answered, with the token that a put needs. */
export interface AnsweredNode extends DhtNode {
  readonly token: Uint8Array | undefined
}

/** Nodes as compact node info (BEP 5), each followed by the length of its token, one byte, and the token. */
export type PackedNodes = Uint8Array

/** Packs the nodes that gave a token of at most 255 bytes, in their order. */
export const packNodes = (nodes: ReadonlyArray<AnsweredNode>): PackedNodes => {
  let length = 0
  for (const { token } of nodes) length += COMPACT_NODE_BYTES + 1 + (token?.length ?? 0)
  const packed = new Uint8Array(length)
  let at = 0
  for (const node of nodes) {
    const info = encodeNodes([node])
    if (node.token === undefined || node.token.length > 255 || info.length === 0) continue
    packed.set(info, at)
    packed[at + COMPACT_NODE_BYTES] = node.token.length
    packed.set(node.token, at + COMPACT_NODE_BYTES + 1)
    at += COMPACT_NODE_BYTES + 1 + node.token.length
  }
  return at === length ? packed : packed.slice(0, at)
}

/** At most `count` nodes, from the one with index `from` on. */
export const unpackNodes = (packed: PackedNodes, from = 0, count = Number.POSITIVE_INFINITY): Array<AnsweredNode> => {
  const nodes: Array<AnsweredNode> = []
  let at = 0
  for (let i = 0; at < packed.length && nodes.length < count; i++) {
    const tokenAt = at + COMPACT_NODE_BYTES + 1
    const end = tokenAt + packed[tokenAt - 1]!
    if (i >= from) {
      const { id, host, port } = nodeAt(packed, at)
      nodes.push({ id, host, port, token: packed.subarray(tokenAt, end) })
    }
    at = end
  }
  return nodes
}

interface Entry {
  readonly nodes: PackedNodes
  readonly at: number
  /** False if the lookup that found them is not over: they are the nearest, but not all that a put must reach. */
  readonly isComplete: boolean
}

/** Shorter than the ten minutes for which BEP 5 lets nodes accept a token. */
const MAX_AGE_MS = 5 * 60_000

const MAX_TARGETS = 2048

export class ClosestNodes {
  readonly #entries = new BoundedMap<string, Entry>(MAX_TARGETS)
  readonly #now: () => number

  /** `now`: monotonic, in ms. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** The nearest nodes of the target, closest first, also if the lookup that found them is not over. */
  nearest(target: Uint8Array): PackedNodes | undefined {
    return this.#entry(target)?.nodes
  }

  /** The nodes to put to; undefined unless a lookup of the target ended in the last minutes. */
  complete(target: Uint8Array): ReadonlyArray<AnsweredNode> | undefined {
    const entry = this.#entry(target)
    return entry?.isComplete === true ? unpackNodes(entry.nodes) : undefined
  }

  #entry(target: Uint8Array): Entry | undefined {
    const entry = this.#entries.get(bytesKey(target))
    return entry === undefined || this.#now() - entry.at > MAX_AGE_MS ? undefined : entry
  }

  /** A lookup of the target is over, with these nodes. */
  rememberAll(target: Uint8Array, closest: ReadonlyArray<AnsweredNode>): void {
    this.#remember(target, closest, true)
  }

  /** A lookup of the target goes on, but has found the nearest nodes. Entries of earlier lookups are kept. */
  rememberNearest(target: Uint8Array, closest: ReadonlyArray<AnsweredNode>): void {
    if (this.#entry(target) === undefined) this.#remember(target, closest, false)
  }

  #remember(target: Uint8Array, closest: ReadonlyArray<AnsweredNode>, isComplete: boolean): void {
    const nodes = packNodes(closest)
    if (nodes.length > 0) this.#entries.set(bytesKey(target), { nodes, at: this.#now(), isComplete })
  }

  /** The nodes of the target refused their tokens, or none of them answered. */
  forget(target: Uint8Array): void {
    this.#entries.delete(bytesKey(target))
  }
}
