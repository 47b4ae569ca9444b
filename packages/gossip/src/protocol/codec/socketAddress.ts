/**
 * Socket addresses as text and as serde's `SocketAddr` in a binary format: an enum of V4 and V6, each its address's bytes and
 * the port as a u16. IPv6 scope and flow labels are not on the wire.
 */
import { Postcard } from "@topic-tracker/postcard"

/** An IPv4 (4 bytes) or IPv6 (16 bytes) address and a port. */
export interface SocketAddress {
  readonly ip: Uint8Array
  readonly port: number
}

const v4 = Postcard.struct({ ip: Postcard.fixedBytes(4), port: Postcard.u16 })
const v6 = Postcard.struct({ ip: Postcard.fixedBytes(16), port: Postcard.u16 })

export const socketAddress: Postcard.Codec<SocketAddress> = Postcard.make<SocketAddress>({
  schema: v6.schema,
  minSize: 6,
  write: (writer, address) => {
    const isV4 = address.ip.length === 4
    writer.byte(isV4 ? 0 : 1)
    ;(isV4 ? v4 : v6).write(writer, address)
  },
  read: (reader) => {
    const variant = reader.varint(32)
    if (variant > 1) return reader.fail(`address variant ${variant}; must be 0 (IPv4) or 1 (IPv6)`)
    return (variant === 0 ? v4 : v6).read(reader)
  },
})

/** "192.0.2.1:53" or "[2001:db8::1]:53", the form of RFC 5952. */
export const format = ({ ip, port }: SocketAddress): string => {
  if (ip.length === 4) return `${ip.join(".")}:${port}`
  const groups = Array.from({ length: 8 }, (_, i) => ((ip[2 * i]! << 8) | ip[2 * i + 1]!).toString(16))
  // The URL standard writes IPv6 hosts compressed, as RFC 5952 has it.
  return `${new URL(`http://[${groups.join(":")}]/`).hostname}:${port}`
}

/** The address that the text says, or undefined when it says none. Host names are none. */
export const parse = (text: string): SocketAddress | undefined => {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|(\d{1,3}(?:\.\d{1,3}){3})):(\d{1,5})$/.exec(text)
  if (match === null) return undefined
  const port = Number(match[3])
  const ip = match[2] === undefined ? parseV6(match[1]!) : parseV4(match[2])
  return ip === undefined || port > 0xffff ? undefined : { ip, port }
}

/** As a Rust `BTreeSet<SocketAddr>` orders them: IPv4 first, then by address, then by port. */
export const compare = (a: SocketAddress, b: SocketAddress): number => {
  if (a.ip.length !== b.ip.length) return a.ip.length - b.ip.length
  for (let i = 0; i < a.ip.length; i++) if (a.ip[i] !== b.ip[i]) return a.ip[i]! - b.ip[i]!
  return a.port - b.port
}

const parseV4 = (text: string): Uint8Array | undefined => {
  const parts = text.split(".").map(Number)
  return parts.every((part) => part <= 255) ? Uint8Array.from(parts) : undefined
}

const parseV6 = (text: string): Uint8Array | undefined => {
  const url = URL.parse(`http://[${text}]/`)
  if (url === null) return undefined
  const [head = "", tail = ""] = url.hostname.slice(1, -1).split("::")
  const start = head === "" ? [] : head.split(":")
  const end = tail === "" ? [] : tail.split(":")
  const groups = [...start, ...Array<string>(8 - start.length - end.length).fill("0"), ...end]
  return Uint8Array.from(groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]))
}
