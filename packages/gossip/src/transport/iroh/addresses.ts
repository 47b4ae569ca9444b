/**
 * Which socket addresses mean something outside this machine and its local network. Those that do not are published only
 * when asked for. Source: the IANA special-purpose address registries (RFC 6890 and its updates).
 */
import type { EndpointAddress } from "../../AddressLookup.ts"

/** An address as "IP:port" or "[IPv6]:port", taken apart; undefined when it is neither. */
export const parse = (address: string): { readonly ip: string; readonly port: number } | undefined => {
  const match = /^(?:(\d+\.\d+\.\d+\.\d+)|\[([0-9a-fA-F:.]+)(?:%[^\]]*)?\]):(\d{1,5})$/.exec(address)
  if (match === null) return undefined
  const port = Number(match[3])
  const ip = match[1] ?? match[2]!
  if (port > 65_535 || (match[1] !== undefined && octets(ip) === undefined)) return undefined
  return { ip, port }
}

/** Whether the address is one that anyone on the internet may use: not private, link-local, loopback or reserved. */
export const isPublic = (address: string): boolean => {
  const parsed = parse(address)
  if (parsed === undefined || parsed.port === 0) return false
  return parsed.ip.includes(":") ? isPublic6(parsed.ip.toLowerCase()) : isPublic4(octets(parsed.ip)!)
}

/** Whether the address is one of this machine alone. */
export const isLoopback = (address: string): boolean => {
  const ip = parse(address)?.ip
  return ip !== undefined && (ip.startsWith("127.") || ip === "::1")
}

/** Whether both say the same, in the same order. */
export const same = (a: EndpointAddress, b: EndpointAddress): boolean =>
  a.relayUrl === b.relayUrl && a.direct.length === b.direct.length && a.direct.every((each, i) => each === b.direct[i])

const octets = (ip: string): ReadonlyArray<number> | undefined => {
  const numbers = ip.split(".").map(Number)
  return numbers.every((octet) => octet <= 255) ? numbers : undefined
}

const isPublic4 = (ip: ReadonlyArray<number>): boolean => {
  const [a, b, c] = [ip[0]!, ip[1]!, ip[2]!]
  if (a === 0 || a === 10 || a === 127 || a >= 224) return false
  if (a === 100 && b >= 64 && b < 128) return false // shared address space, RFC 6598
  if (a === 169 && b === 254) return false
  if (a === 172 && b >= 16 && b < 32) return false
  if (a === 192 && b === 168) return false
  if (a === 192 && b === 0 && (c === 0 || c === 2)) return false // protocol assignments, documentation
  if (a === 198 && (b === 18 || b === 19)) return false // benchmarking, RFC 2544
  return !((a === 198 && b === 51 && c === 100) || (a === 203 && b === 0 && c === 113)) // documentation
}

const isPublic6 = (ip: string): boolean => {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(ip)?.[1]
  if (mapped !== undefined) {
    const ip4 = octets(mapped)
    return ip4 !== undefined && isPublic4(ip4)
  }
  // Global unicast is 2000::/3 so far; 2001:db8::/32 in it is for documentation.
  const [first, second] = ip.split(":")
  const head = Number.parseInt(first || "0", 16)
  return head >= 0x2000 && head < 0x4000 && !(head === 0x2001 && Number.parseInt(second || "0", 16) === 0xdb8)
}
