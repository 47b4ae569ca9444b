/**
 * The nodes closest to a target, with their tokens, as a few hundred bytes. A client remembers them for each minute of each
 * topic, and as objects they would be thousands, each holding on to the whole datagram that named it.
 */
import { COMPACT_NODE_LENGTH, type DhtNode, encodeNodes, nodeAt } from "../nodeId.ts"

/** A node that answered, with the token a put needs. */
export interface HeardNode extends DhtNode {
  readonly token: Uint8Array | undefined
}

/** Nodes side by side as compact node info (BEP 5), each followed by the length of its token, a byte, and the token. */
export type PackedNodes = Uint8Array

/** Packs the nodes that gave a token, of at most 255 bytes, in their order. */
export const packNodes = (nodes: ReadonlyArray<HeardNode>): PackedNodes => {
  let length = 0
  for (const { token } of nodes) length += COMPACT_NODE_LENGTH + 1 + (token?.length ?? 0)
  const packed = new Uint8Array(length)
  let at = 0
  for (const node of nodes) {
    const info = encodeNodes([node])
    if (node.token === undefined || node.token.length > 255 || info.length === 0) continue
    packed.set(info, at)
    packed[at + COMPACT_NODE_LENGTH] = node.token.length
    packed.set(node.token, at + COMPACT_NODE_LENGTH + 1)
    at += COMPACT_NODE_LENGTH + 1 + node.token.length
  }
  return at === length ? packed : packed.slice(0, at)
}

/** The nodes from the `from`th on, at most `count` of them. */
export const unpackNodes = (packed: PackedNodes, from = 0, count = Number.POSITIVE_INFINITY): Array<HeardNode> => {
  const nodes: Array<HeardNode> = []
  let at = 0
  for (let i = 0; at < packed.length && nodes.length < count; i++) {
    const tokenAt = at + COMPACT_NODE_LENGTH + 1
    const end = tokenAt + packed[tokenAt - 1]!
    if (i >= from) {
      const { id, host, port } = nodeAt(packed, at)
      nodes.push({ id, host, port, token: packed.subarray(tokenAt, end) })
    }
    at = end
  }
  return nodes
}
