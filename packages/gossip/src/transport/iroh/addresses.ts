/**
 * Which socket addresses mean something outside this machine and its local network. Those that do not are published only
 * when asked for. Source: the IANA special-purpose address registries (RFC 6890 and its updates).
 */
import * as SocketAddress from "@topic-tracker/common/SocketAddress"
import type { EndpointAddress } from "../../AddressLookup.ts"

/** Whether the text is "IP:port" or "[IPv6]:port". */
export const isAddress = (text: string): boolean => SocketAddress.parse(text) !== undefined

/** Whether the address is one that anyone on the internet may use: not private, link-local, loopback or reserved. */
export const isPublic = (text: string): boolean => {
  const address = SocketAddress.parse(text)
  return address !== undefined && address.port !== 0 && isPublicIp(address.ip)
}

/** Whether the address is one of this machine alone. */
export const isLoopback = (text: string): boolean => {
  const ip = SocketAddress.parse(text)?.ip
  return ip !== undefined && (ip.length === 4 ? ip[0] === 127 : isZero(ip.subarray(0, 15)) && ip[15] === 1)
}

/** Whether both say the same, in the same order. */
export const same = (a: EndpointAddress, b: EndpointAddress): boolean =>
  a.relayUrl === b.relayUrl && a.direct.length === b.direct.length && a.direct.every((each, i) => each === b.direct[i])

const isPublicIp = (ip: Uint8Array): boolean => {
  if (ip.length === 4) return isPublic4(ip)
  const isMapped = isZero(ip.subarray(0, 10)) && ip[10] === 0xff && ip[11] === 0xff
  return isMapped ? isPublic4(ip.subarray(12)) : isPublic6(ip)
}

const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0)

const isPublic4 = (ip: Uint8Array): boolean => {
  const [a, b, c] = [ip[0]!, ip[1]!, ip[2]!]
  if (a === 0 || a === 10 || a === 127 || a >= 224) return false
  if (a === 100 && b >= 64 && b < 128) return false // shared address space, RFC 6598
  if (a === 169 && b === 254) return false // link-local
  if (a === 172 && b >= 16 && b < 32) return false
  if (a === 192 && b === 168) return false
  if (a === 192 && b === 0 && (c === 0 || c === 2)) return false // protocol assignments, documentation
  if (a === 198 && (b === 18 || b === 19)) return false // benchmarking, RFC 2544
  return !((a === 198 && b === 51 && c === 100) || (a === 203 && b === 0 && c === 113)) // documentation
}

/** Global unicast is 2000::/3 so far. In it are some for protocols and documentation, and 6to4, which names an IPv4 address. */
const isPublic6 = (ip: Uint8Array): boolean => {
  const [first, second] = [ip[0]! * 256 + ip[1]!, ip[2]! * 256 + ip[3]!]
  if (first >> 13 !== 1) return false
  if (first === 0x2001 && (second < 0x200 || second === 0xdb8)) return false // protocol assignments, documentation
  if (first === 0x3fff && second < 0x1000) return false // documentation, RFC 9637
  return first !== 0x2002 || isPublic4(ip.subarray(2, 6)) // 6to4, RFC 3056
}
