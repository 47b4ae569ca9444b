/**
 * IP addresses with a port: their bytes, their text form ("192.0.2.1:53", "[2001:db8::1]:53") and the networks that can reach them.
 * The only module that classifies addresses: the DHT, gossip and the address lookup use it.
 */
import { parseUrl } from "./parseUrl.ts"

/**
 * An IPv4 (4 bytes) or IPv6 (16 bytes) address and a UDP or TCP port.
 *
 * @since 0.1.0
 * @category models
 */
export interface SocketAddress {
  readonly ip: Uint8Array
  /** 0 to 65535. */
  readonly port: number
}

/**
 * The networks that can reach an address:
 * - `public`: the whole internet;
 * - `private`: the same network only (RFC 1918, RFC 4193, RFC 6598);
 * - `link-local`: the same link only (169.254.0.0/16, fe80::/10);
 * - `loopback`: the same host only;
 * - `none`: no network. Unspecified, multicast, broadcast, reserved and documentation addresses.
 *
 * Source: IANA's special-purpose address registries (RFC 6890 and its updates).
 *
 * @since 0.1.0
 * @category models
 */
export type Reach = "public" | "private" | "link-local" | "loopback" | "none"

/**
 * The reach of an IPv4 (4 bytes) or IPv6 (16 bytes) address; "none" for any other length.
 *
 * @since 0.1.0
 * @category predicates
 */
export const reachOf = (ip: Uint8Array): Reach => {
  if (ip.length === 4) return reachOf4(((ip[0]! << 24) | (ip[1]! << 16) | (ip[2]! << 8) | ip[3]!) >>> 0)
  return ip.length === 16 ? reachOf6(ip) : "none"
}

/**
 * {@link reachOf} of an IPv4 address given as a number of 32 bits, its first byte the highest.
 *
 * @since 0.1.0
 * @category predicates
 */
export const reachOf4 = (ip: number): Reach => {
  const a = ip >>> 24
  const b = (ip >>> 16) & 0xff
  const c = (ip >>> 8) & 0xff
  if (a === 0 || a >= 224) return "none" // this network; multicast, reserved, broadcast
  if (a === 127) return "loopback"
  if (a === 169 && b === 254) return "link-local" // RFC 3927
  if (a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168)) return "private" // RFC 1918
  if (a === 100 && b >= 64 && b < 128) return "private" // shared address space, RFC 6598
  if (a === 192 && b === 0 && (c === 0 || c === 2)) return "none" // protocol assignments, documentation
  if (a === 198 && (b === 18 || b === 19)) return "none" // benchmarking, RFC 2544
  if ((a === 198 && b === 51 && c === 100) || (a === 203 && b === 0 && c === 113)) return "none" // documentation, RFC 5737
  return "public"
}

const reachOf6 = (ip: Uint8Array): Reach => {
  const first = (ip[0]! << 8) | ip[1]!
  const second = (ip[2]! << 8) | ip[3]!
  if (ip.subarray(0, 10).every((byte) => byte === 0)) {
    const tag = (ip[10]! << 8) | ip[11]!
    if (tag === 0xffff) return reachOf(ip.subarray(12)) // an IPv4 address, RFC 4291
    return tag === 0 && ip.subarray(12, 15).every((byte) => byte === 0) && ip[15] === 1 ? "loopback" : "none"
  }
  if ((first & 0xfe00) === 0xfc00) return "private" // unique local, RFC 4193
  if ((first & 0xffc0) === 0xfe80) return "link-local"
  if (first >> 13 !== 1) return "none" // global unicast is 2000::/3 so far
  if (first === 0x2001 && (second < 0x200 || second === 0xdb8)) return "none" // protocol assignments, documentation
  if (first === 0x3fff && second < 0x1000) return "none" // documentation, RFC 9637
  return first === 0x2002 ? reachOf(ip.subarray(2, 6)) : "public" // 6to4 carries an IPv4 address, RFC 3056
}

/**
 * "192.0.2.1:53" or "[2001:db8::1]:53", IPv6 compressed as in RFC 5952.
 *
 * @since 0.1.0
 * @category encoding
 */
export const format = ({ ip, port }: SocketAddress): string => {
  if (ip.length === 4) return `${ip.join(".")}:${port}`
  const groups = Array.from({ length: 8 }, (_, i) => ((ip[2 * i]! << 8) | ip[2 * i + 1]!).toString(16))
  // The URL standard compresses IPv6 hosts as in RFC 5952.
  return `${new URL(`http://[${groups.join(":")}]/`).hostname}:${port}`
}

/**
 * The address of the text, or undefined. A host name is not an address; it is not resolved.
 *
 * @since 0.1.0
 * @category encoding
 */
export const parse = (text: string): SocketAddress | undefined => {
  const match = /^(?:\[([0-9a-fA-F:.]{2,45})\]|(\d{1,3}(?:\.\d{1,3}){3})):(\d{1,5})$/.exec(text)
  if (match === null) return undefined
  const port = Number(match[3])
  const ip = match[2] === undefined ? parseIp6(match[1]!) : parseIp4(match[2])
  return ip === undefined || port > 0xffff ? undefined : { ip, port }
}

/**
 * The canonical text form of an address given as text, or undefined if the text is not an address.
 *
 * @since 0.1.0
 * @category encoding
 */
export const canonical = (text: string): string | undefined => {
  const address = parse(text)
  return address === undefined ? undefined : format(address)
}

/**
 * The reach of an address given as text. "none" also if the text is not an address or the port is 0.
 *
 * @since 0.1.0
 * @category predicates
 */
export const reachOfText = (text: string): Reach => {
  const address = parse(text)
  return address === undefined || address.port === 0 ? "none" : reachOf(address.ip)
}

/**
 * The order of a Rust `BTreeSet<SocketAddr>`: IPv4 first, then by address, then by port.
 *
 * @since 0.1.0
 * @category predicates
 */
export const compare = (a: SocketAddress, b: SocketAddress): number => {
  if (a.ip.length !== b.ip.length) return a.ip.length - b.ip.length
  for (let i = 0; i < a.ip.length; i++) if (a.ip[i] !== b.ip[i]) return a.ip[i]! - b.ip[i]!
  return a.port - b.port
}

/** Four bytes of dotted-decimal text, or undefined. */
const parseIp4 = (text: string): Uint8Array | undefined => {
  const parts = text.split(".").map(Number)
  return parts.every((part) => part <= 255) ? Uint8Array.from(parts) : undefined
}

/** Sixteen bytes of IPv6 text without brackets, or undefined. */
const parseIp6 = (text: string): Uint8Array | undefined => {
  const url = parseUrl(`http://[${text}]/`)
  if (url === undefined) return undefined
  const [head = "", tail = ""] = url.hostname.slice(1, -1).split("::")
  const start = head === "" ? [] : head.split(":")
  const end = tail === "" ? [] : tail.split(":")
  const groups = [...start, ...Array<string>(8 - start.length - end.length).fill("0"), ...end]
  return Uint8Array.from(groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]))
}
