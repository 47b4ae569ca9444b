/**
 * "IP:port" and "[IPv6]:port", as text: which are well formed, and from where they can be reached.
 */

/**
 * From where an address can be reached: anywhere, the same network (RFC 1918, RFC 4193, RFC 6598, link-local IPv4), this
 * host, or from nowhere by this text alone (unspecified, multicast, IPv6 link-local without a zone, port 0).
 */
export type Reach = "global" | "private" | "loopback" | "none"

/** The address in canonical form; undefined when it is not one. A host name is none: nothing here asks a resolver. */
export const canonical = (text: string): string | undefined => {
  const parsed = parse(text)
  return parsed === undefined ? undefined : `${parsed.host}:${parsed.port}`
}

/** From where the address can be reached; "none" also when it is no address. */
export const reach = (text: string): Reach => {
  const parsed = parse(text)
  if (parsed === undefined || parsed.port === 0) return "none"
  return parsed.v4 !== undefined ? reachOf4(parsed.v4) : reachOf6(parsed.host.slice(1, -1))
}

interface Parsed {
  /** Dotted quad, or IPv6 in brackets. */
  readonly host: string
  readonly v4: ReadonlyArray<number> | undefined
  readonly port: number
}

const SHAPE = /^(?:(\d{1,3}(?:\.\d{1,3}){3})|\[([0-9a-fA-F:.]{2,45})\]):(\d{1,5})$/

const parse = (text: string): Parsed | undefined => {
  const match = SHAPE.exec(text)
  if (match === null) return undefined
  const port = Number(match[3])
  if (port > 65535) return undefined
  if (match[1] !== undefined) {
    const v4 = match[1].split(".").map(Number)
    return v4.every((part) => part <= 255) ? { host: v4.join("."), v4, port } : undefined
  }
  // The URL parser checks IPv6 and gives its canonical form (RFC 5952).
  const url = `http://[${match[2]}]/`
  return URL.canParse(url) ? { host: new URL(url).hostname, v4: undefined, port } : undefined
}

const reachOf4 = (ip: ReadonlyArray<number>): Reach => {
  const [a = 0, b = 0] = ip
  if (a === 0 || a >= 224) return "none"
  if (a === 127) return "loopback"
  const isPrivate =
    a === 10 ||
    (a === 172 && b >= 16 && b <= 31) ||
    (a === 192 && b === 168) ||
    (a === 169 && b === 254) ||
    (a === 100 && b >= 64 && b <= 127)
  return isPrivate ? "private" : "global"
}

const reachOf6 = (ip: string): Reach => {
  if (ip === "::1") return "loopback"
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(ip)
  if (mapped !== null) {
    const [high, low] = [Number.parseInt(mapped[1]!, 16), Number.parseInt(mapped[2]!, 16)]
    return reachOf4([high >> 8, high & 255, low >> 8, low & 255])
  }
  const first = ip.startsWith("::") ? 0 : Number.parseInt(ip, 16)
  if (first === 0 || first >= 0xff00 || (first & 0xffc0) === 0xfe80) return "none"
  return (first & 0xfe00) === 0xfc00 ? "private" : "global"
}
