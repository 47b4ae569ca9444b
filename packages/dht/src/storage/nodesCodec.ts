/**
 * Known DHT nodes as bytes, to be kept from run to run: eight bytes of magic, a SHA-1 digest of the rest, and 30 bytes for each node:
 * compact node info (BEP 5) and the minute in which it last answered. They contain addresses of others and nothing of our own.
 *
 * The text that is read is not trusted: its length is bounded, old nodes are left out, and so are addresses that no node may name to us.
 */
import { createHash } from "node:crypto"
import { Bytes } from "@topic-tracker/common"
import { COMPACT_NODE_BYTES, decodeNodes, encodeNodes } from "../krpc/compactNodes.ts"
import { isPrivateHost, MAX_NODES_PER_HOST } from "../krpc/nodeId.ts"
import type { DhtNode } from "../model.ts"

/**
 * A node, and when it last answered (Unix ms).
 *
 * @since 0.1.0
 * @category models
 */
export interface SeenNode extends DhtNode {
  readonly seenAt: number
}

/** The bytes of earlier versions differ in the last byte of the magic. */
const MAGIC = new TextEncoder().encode("DHTNODE2")
const DIGEST_BYTES = 20
const HEADER_BYTES = MAGIC.length + DIGEST_BYTES
const ENTRY_BYTES = COMPACT_NODE_BYTES + 4

/** One for each part of the id space: see `RememberedNodes`. With more, a lookup would begin only a little nearer to its target. */
export const MAX_KEPT_NODES = 512

/** No bytes of ours are longer. */
export const MAX_KEPT_BYTES = HEADER_BYTES + MAX_KEPT_NODES * ENTRY_BYTES

/** A node that has not answered for this time is forgotten. Most nodes leave within hours, and many come back. */
const MAX_AGE_MS = 7 * 24 * 3_600_000

/** A time that is later than ours by more than this is wrong, or ours is. Then the age is unknown. */
const MAX_AHEAD_MS = 24 * 3_600_000

const MINUTE_MS = 60_000

const digest = (bytes: Uint8Array): Uint8Array => createHash("sha1").update(bytes).digest()

/**
 * The bytes of the first {@link MAX_KEPT_NODES} nodes. Those whose host is not a dotted IPv4 address are left out.
 *
 * @since 0.1.0
 * @category encoding
 */
export const encodeKept = (nodes: ReadonlyArray<SeenNode>): Uint8Array => {
  const entries = new Uint8Array(Math.min(nodes.length, MAX_KEPT_NODES) * ENTRY_BYTES)
  const view = new DataView(entries.buffer)
  let at = 0
  for (const node of nodes.slice(0, MAX_KEPT_NODES)) {
    const info = encodeNodes([node])
    if (info.length === 0) continue
    entries.set(info, at)
    view.setUint32(at + COMPACT_NODE_BYTES, Math.max(0, Math.floor(node.seenAt / MINUTE_MS)))
    at += ENTRY_BYTES
  }
  const rest = entries.subarray(0, at)
  return Uint8Array.from(Buffer.concat([MAGIC, digest(rest), rest]))
}

/**
 * The part of a kept text that counts.
 *
 * @since 0.1.0
 * @category options
 */
export interface DecodeKeptOptions {
  /** The IPv4 address to which the client is bound. Private addresses count only for a client that is bound to one. */
  readonly boundTo: string
  /** Unix ms. */
  readonly now: number
}

/**
 * The nodes in these bytes; undefined if they are not ours or incomplete.
 *
 * @since 0.1.0
 * @category encoding
 */
export const decodeKept = (
  bytes: Uint8Array,
  { boundTo, now }: DecodeKeptOptions,
): ReadonlyArray<SeenNode> | undefined => {
  if (bytes.length < HEADER_BYTES || bytes.length > MAX_KEPT_BYTES) return undefined
  const rest = bytes.subarray(HEADER_BYTES)
  if (!isMagic(bytes) || rest.length % ENTRY_BYTES !== 0) return undefined
  if (!Bytes.equals(digest(rest), bytes.subarray(MAGIC.length, HEADER_BYTES))) return undefined
  const view = new DataView(rest.buffer, rest.byteOffset, rest.length)
  const nodes: Array<SeenNode> = []
  const onHost = new Map<string, number>()
  for (let at = 0; at < rest.length; at += ENTRY_BYTES) {
    const seenAt = view.getUint32(at + COMPACT_NODE_BYTES) * MINUTE_MS
    if (now - seenAt > MAX_AGE_MS || seenAt - now > MAX_AHEAD_MS) continue
    // Copied: otherwise each id would hold on to all of the bytes.
    const [node] = decodeNodes(rest.slice(at, at + COMPACT_NODE_BYTES), boundTo)
    if (node === undefined) continue
    const others = onHost.get(node.host) ?? 0
    if (others >= MAX_NODES_PER_HOST && !isPrivateHost(node.host)) continue
    onHost.set(node.host, others + 1)
    nodes.push({ ...node, seenAt: Math.min(seenAt, now) })
  }
  return nodes
}

const isMagic = (bytes: Uint8Array): boolean => Bytes.equals(bytes.subarray(0, MAGIC.length), MAGIC)

/** Whether the bytes begin as ours or as those of an earlier version do. */
export const isKept = (bytes: Uint8Array): boolean =>
  bytes.length >= MAGIC.length && Bytes.equals(bytes.subarray(0, MAGIC.length - 1), MAGIC.subarray(0, -1))
