/** Compact node info (BEP 5): nodes as 26 bytes each, and which of the nodes that others name are believed. */
import { SocketAddress } from "@topic-tracker/common"
import type { DhtAddress, DhtNode } from "../model.ts"
import { ID_BYTES, ipv4, isPrivateHost, type ReachOf } from "./nodeId.ts"

/** Bytes of one node: id, IPv4 address, port (big-endian). */
export const COMPACT_NODE_BYTES = ID_BYTES + 6

/** An IPv4 address (a number of 32 bits) and port as one number of 48 bits: a cheaper key than text. */
export const addressNumber = (host: number, port: number): number => host * 0x1_0000 + port

/** The {@link addressNumber} of the node that begins at `at`. */
export const addressNumberAt = (compact: Uint8Array, at: number): number =>
  addressNumber(ipv4At(compact, at), portAt(compact, at))

/**
 * The nodes of compact node info, without those that no packet can reach (port 0, reserved, multicast and documentation
 * addresses) and without private ones unless the node at `fromHost` that named them is private too: otherwise anyone could have
 * us send packets into our own network. `wanted` is asked with the offset of each node; an object is made only for nodes that
 * are wanted, because most nodes named are known already.
 */
export const decodeNodes = (
  compact: Uint8Array,
  fromHost: string,
  wanted: (compact: Uint8Array, at: number) => boolean = () => true,
  reachOf: ReachOf = SocketAddress.reachOf4,
): Array<DhtNode> => {
  const acceptsPrivate = isPrivateHost(fromHost, reachOf)
  const nodes: Array<DhtNode> = []
  for (let at = 0; at + COMPACT_NODE_BYTES <= compact.length; at += COMPACT_NODE_BYTES) {
    const reach = reachOf(ipv4At(compact, at))
    if (portAt(compact, at) === 0 || reach === "none" || (reach !== "public" && !acceptsPrivate)) continue
    if (wanted(compact, at)) nodes.push(nodeAt(compact, at))
  }
  return nodes
}

/** The node that begins at `at`, unchecked. Its id is a view of the info. */
export const nodeAt = (compact: Uint8Array, at: number): DhtNode => {
  const host = at + ID_BYTES
  return {
    id: compact.subarray(at, host),
    host: `${compact[host]!}.${compact[host + 1]!}.${compact[host + 2]!}.${compact[host + 3]!}`,
    port: portAt(compact, at),
  }
}

const ipv4At = (compact: Uint8Array, at: number): number => {
  const ip = at + ID_BYTES
  return ((compact[ip]! << 24) | (compact[ip + 1]! << 16) | (compact[ip + 2]! << 8) | compact[ip + 3]!) >>> 0
}

const portAt = (compact: Uint8Array, at: number): number => compact[at + 24]! * 256 + compact[at + 25]!

/** An IPv4 address and a port as 6 bytes; undefined if the host is not a dotted address. */
export const compactAddress = ({ host, port }: DhtAddress): Uint8Array | undefined => {
  const ip = ipv4(host)
  return ip === undefined ? undefined : Uint8Array.of(ip >>> 24, ip >>> 16, ip >>> 8, ip, port >> 8, port)
}

/** The compact node info of the nodes. Nodes whose host is not a dotted IPv4 address are left out. */
export const encodeNodes = (nodes: ReadonlyArray<DhtNode>): Uint8Array => {
  const compact = new Uint8Array(nodes.length * COMPACT_NODE_BYTES)
  let at = 0
  for (const node of nodes) {
    const address = ipv4(node.host)
    if (address === undefined || node.id.length !== ID_BYTES) continue
    compact.set(node.id, at)
    for (let i = 0; i < 4; i++) compact[at + ID_BYTES + i] = address >>> (24 - 8 * i)
    compact[at + 24] = node.port >> 8
    compact[at + 25] = node.port & 0xff
    at += COMPACT_NODE_BYTES
  }
  return compact.subarray(0, at)
}
