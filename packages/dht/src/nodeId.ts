/**
 * Node ids and the addresses beside them: the XOR metric of Kademlia, the compact node info of BEP 5, which addresses may
 * be believed, and the id that BEP 42 ties to an IPv4 address.
 */

/** A node of the DHT as BEP 5 names it. */
export interface DhtNode {
  /** 20 bytes. */
  readonly id: Uint8Array
  /** An IPv4 address in dotted decimal. */
  readonly host: string
  readonly port: number
}

/** Bytes in a node id or target: a SHA-1 digest. */
export const ID_LENGTH = 20

/** Bytes of one node in compact node info: id, IPv4 address, port (big-endian). */
export const COMPACT_NODE_LENGTH = 26

/**
 * Nodes of one public host in a walk, and in the routing table: more would let one machine surround a target. BEP 42 grants a host
 * eight ids.
 */
export const nodesPerHost = 8

/** The XOR of two ids: how far apart they are, as a big-endian number of 20 bytes. */
export const distance = (a: Uint8Array, b: Uint8Array): Uint8Array => {
  const result = new Uint8Array(ID_LENGTH)
  for (let i = 0; i < ID_LENGTH; i++) result[i] = a[i]! ^ b[i]!
  return result
}

/** Negative when `a` comes first in byte order, 0 when they are the same. Both have the same length. */
export const compareBytes = (a: Uint8Array, b: Uint8Array): number => {
  for (let i = 0; i < a.length; i++) {
    const difference = a[i]! - b[i]!
    if (difference !== 0) return difference
  }
  return 0
}

/**
 * Negative when the id that begins at `at` of `a` is nearer to the target than `b`, by the XOR metric; 0 when they are the
 * same. As a comparison of two {@link distance}s, without making them.
 */
export const compareDistance = (target: Uint8Array, a: Uint8Array, b: Uint8Array, at = 0): number => {
  for (let i = 0; i < ID_LENGTH; i++) {
    const difference = (a[at + i]! ^ target[i]!) - (b[i]! ^ target[i]!)
    if (difference !== 0) return difference
  }
  return 0
}

/** An IPv4 address, as {@link ipv4} gives it, and port as one number of 48 bits: a cheaper key than text. */
export const addressNumber = (host: number, port: number): number => host * 0x1_0000 + port

/** The {@link addressNumber} of the node that begins at `at` of compact node info. */
export const addressNumberAt = (compact: Uint8Array, at: number): number =>
  addressNumber(ipv4At(compact, at + ID_LENGTH), portAt(compact, at))

/** The IPv4 address whose four bytes begin at `at`, as {@link ipv4} gives it. */
const ipv4At = (bytes: Uint8Array, at: number): number =>
  ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0

/**
 * Bytes as the key of a Map: read as Latin-1, shorter and faster to make than hex. By way of Buffer it takes 0.25 µs whatever
 * the length; `String.fromCharCode` with the bytes spread takes 37 µs for a record of 604 bytes.
 */
export const bytesKey = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1")

/** Where an address lies among the ranges that matter to who may name whom. */
const reach = (host: number): "public" | "private" | "none" => {
  const a = host >>> 24
  const b = (host >>> 16) & 0xff
  if (a === 127 || a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168)) return "private"
  if ((a === 169 && b === 254) || (a === 100 && b >= 64 && b < 128)) return "private"
  return a === 0 || a >= 224 ? "none" : "public"
}

/** Whether an IPv4 address, as {@link ipv4} gives it, is loopback, private, link-local or shared (RFC 1918, 3927, 6598). */
export const isPrivate = (address: number): boolean => reach(address) === "private"

/** The same of a dotted address; false of any other text. */
export const isPrivateHost = (host: string): boolean => {
  const address = ipv4(host)
  return address !== undefined && isPrivate(address)
}

/**
 * The nodes of compact node info (BEP 5), without those no packet can reach (port 0, this-network, multicast, reserved) and
 * without private ones that a public node named: else anyone could have us send packets into our own network. Nothing is made
 * of those that are not `wanted`, which is asked with where in the info they begin: most nodes named are known already.
 */
export const decodeNodes = (
  compact: Uint8Array,
  fromHost: string,
  wanted: (compact: Uint8Array, at: number) => boolean = () => true,
): Array<DhtNode> => {
  const believePrivate = isPrivateHost(fromHost)
  const nodes: Array<DhtNode> = []
  for (let at = 0; at + COMPACT_NODE_LENGTH <= compact.length; at += COMPACT_NODE_LENGTH) {
    const kind = reach(ipv4At(compact, at + ID_LENGTH))
    if (portAt(compact, at) === 0 || kind === "none" || (kind === "private" && !believePrivate)) continue
    if (wanted(compact, at)) nodes.push(nodeAt(compact, at))
  }
  return nodes
}

/** The node that begins at `at` of compact node info, whatever it is; its id is a view of the info. */
export const nodeAt = (compact: Uint8Array, at: number): DhtNode => {
  const host = at + ID_LENGTH
  return {
    id: compact.subarray(at, host),
    host: `${compact[host]!}.${compact[host + 1]!}.${compact[host + 2]!}.${compact[host + 3]!}`,
    port: portAt(compact, at),
  }
}

const portAt = (compact: Uint8Array, at: number): number => compact[at + 24]! * 256 + compact[at + 25]!

/** The compact node info of the nodes (BEP 5). Nodes whose host is no dotted IPv4 address are left out. */
export const encodeNodes = (nodes: ReadonlyArray<DhtNode>): Uint8Array => {
  const compact = new Uint8Array(nodes.length * COMPACT_NODE_LENGTH)
  let at = 0
  for (const node of nodes) {
    const address = ipv4(node.host)
    if (address === undefined || node.id.length !== ID_LENGTH) continue
    compact.set(node.id, at)
    for (let i = 0; i < 4; i++) compact[at + ID_LENGTH + i] = address >>> (24 - 8 * i)
    compact[at + 24] = node.port >> 8
    compact[at + 25] = node.port & 0xff
    at += COMPACT_NODE_LENGTH
  }
  return compact.subarray(0, at)
}

/** A dotted IPv4 address as a number of 32 bits, its first byte the highest; undefined when the text is none. */
export const ipv4 = (host: string): number | undefined => {
  let address = 0
  let at = 0
  for (let i = 0; i < 4; i++) {
    const start = at
    let octet = 0
    for (; at < host.length && at - start < 3; at++) {
      const digit = host.charCodeAt(at) - 0x30
      if (digit < 0 || digit > 9) break
      octet = octet * 10 + digit
    }
    const isCanonical = at > start && (at - start === 1 || host.charCodeAt(start) !== 0x30)
    const isEnd = i === 3 ? at === host.length : host[at] === "."
    if (!isCanonical || octet > 255 || !isEnd) return undefined
    address = address * 256 + octet
    at++
  }
  return address
}

/** CRC-32C (Castagnoli, RFC 3720 B.4), reflected; the polynomial BEP 42 names. */
const crc32c = (bytes: Uint8Array): number => {
  let crc = 0xffff_ffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f6_3b78 : 0)
  }
  return ~crc >>> 0
}

/** The first three bytes of the id that BEP 42 gives an IPv4 address; of the third only the upper five bits count. */
const securePrefix = (address: number, random: number): Uint8Array => {
  const first = ((address >>> 24) & 0x03) | ((random & 0x7) << 5)
  const masked = Uint8Array.of(first, (address >>> 16) & 0x0f, (address >>> 8) & 0x3f, address & 0xff)
  const crc = crc32c(masked)
  return Uint8Array.of(crc >>> 24, (crc >>> 16) & 0xff, (crc >>> 8) & 0xf8)
}

/**
 * A node id for a public IPv4 address (BEP 42): 21 bits come from the address, the others from the 20 random bytes given.
 * For any other host the random bytes as they are: a private address may have any id, and mainline nodes of the Rust client
 * take ids that agree in those 21 bits for one node, so that a testnet on loopback would shrink to eight.
 */
export const secureNodeId = (host: string, random: Uint8Array): Uint8Array => {
  const id = random.slice()
  const address = ipv4(host)
  if (address === undefined || reach(address) !== "public") return id
  const prefix = securePrefix(address, id[19]!)
  id[0] = prefix[0]!
  id[1] = prefix[1]!
  id[2] = prefix[2]! | (id[2]! & 0x07)
  return id
}

/** Whether the id is one that BEP 42 allows at the address. Private addresses may have any. */
export const isSecureNodeId = (id: Uint8Array, host: string): boolean => {
  const address = ipv4(host)
  if (address === undefined || isPrivate(address)) return true
  const prefix = securePrefix(address, id[19]!)
  return id[0] === prefix[0] && id[1] === prefix[1] && (id[2]! & 0xf8) === prefix[2]
}
