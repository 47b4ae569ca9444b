/**
 * Which addresses of peers this node may dial. Other nodes choose these addresses, so without a rule they could make this node send
 * packets to hosts inside its network, or to any victim. Every address passes here before a dial, whichever way it came: in a record, over
 * gossip, in the DHT, in an invitation, or from the endpoint's own memory.
 */
import type { NetworkInterfaceInfo } from "node:os"
import { parseUrl, SocketAddress } from "@topic-tracker/common"
import { type EndpointAddress, isRelayUrl } from "../../AddressLookup.ts"

/** Direct addresses that are taken from one source. More are not worth dialling. */
export const MAX_DIRECT_OF_SOURCE = 16

/** The network interfaces of the machine are read again after this time: a read takes a third of a millisecond. */
const INTERFACES_FRESH_MS = 5_000

/** Endings of host names that exist only inside a network (RFC 6761, 6762, 8375 and ICANN's `internal`). */
const INNER_NAMES = [".localhost", ".local", ".internal", ".home.arpa"]

/**
 * The situation of the endpoint.
 *
 * @since 0.1.0
 * @category options
 */
export interface AddressPolicyOptions {
  /** Whether the endpoint is bound to loopback only. Then loopback addresses and relays over http are dialled. */
  readonly isLoopback: boolean
  /** Whether all private addresses are dialled, not only those in the subnets of our own interfaces. */
  readonly allowPrivate: boolean
  /** The relays in the endpoint's own configuration, which may have any address. */
  readonly relays: ReadonlyArray<string>
  /** The current interfaces of the machine, as of `node:os`. */
  readonly interfaces: () => NodeJS.Dict<Array<NetworkInterfaceInfo>>
  /** The current time in ms. */
  readonly now: () => number
}

interface Subnet {
  readonly address: Uint8Array
  readonly prefixBits: number
}

/**
 * The rule for addresses of peers.
 *
 * @since 0.1.0
 * @category models
 */
export class AddressPolicy {
  /** Direct addresses and relays that were dropped so far. */
  dropped = 0
  readonly #options: AddressPolicyOptions
  readonly #ownRelays: ReadonlySet<string>
  #subnets: ReadonlyArray<Subnet> = []
  #subnetsReadAt = Number.NEGATIVE_INFINITY

  constructor(options: AddressPolicyOptions) {
    this.#options = options
    this.#ownRelays = new Set(options.relays.map(hrefOf))
  }

  /** The part of an address that may be dialled, of at most 16 direct addresses, each once and in canonical form. */
  usable(address: EndpointAddress): EndpointAddress {
    const direct = new Set<string>()
    for (const text of address.direct) {
      const one = direct.size < MAX_DIRECT_OF_SOURCE ? this.#usableDirect(text) : undefined
      if (one === undefined) this.dropped++
      else direct.add(one)
    }
    const relayUrl =
      address.relayUrl !== undefined && this.#allowsRelay(address.relayUrl) ? address.relayUrl : undefined
    if (relayUrl !== address.relayUrl) this.dropped++
    return { relayUrl, direct: [...direct] }
  }

  #usableDirect(text: string): string | undefined {
    const parsed = SocketAddress.parse(text)
    if (parsed === undefined || parsed.port === 0) return undefined
    const ip = withoutMapping(parsed.ip)
    return this.#allows(ip) ? SocketAddress.format({ ip, port: parsed.port }) : undefined
  }

  #allows(ip: Uint8Array): boolean {
    switch (SocketAddress.reachOf(ip)) {
      case "public":
        return !this.#isBroadcast(ip)
      case "loopback":
        return this.#options.isLoopback
      case "private":
        if (!this.#options.allowPrivate && !this.#ownSubnets().some((subnet) => isIn(ip, subnet))) return false
        return !this.#isBroadcast(ip)
      default:
        return false
    }
  }

  /** Whether this is the broadcast address of one of our subnets, so that all hosts there would get the packets. */
  #isBroadcast(ip: Uint8Array): boolean {
    return ip.length === 4 && this.#ownSubnets().some((subnet) => isIn(ip, subnet) && isLastOf(ip, subnet))
  }

  #allowsRelay(text: string): boolean {
    if (!isRelayUrl(text)) return false
    const url = parseUrl(text)
    if (url === undefined) return false
    if (this.#ownRelays.has(url.href)) return true
    const { isLoopback } = this.#options
    if (url.username !== "" || url.password !== "") return false
    if (url.protocol !== "https:" && !isLoopback) return false
    const host = url.hostname.replace(/\.$/, "")
    // A URL has IP addresses in canonical form, also those that were written as one number.
    const ip = SocketAddress.parse(`${host}:1`)?.ip
    if (ip !== undefined) {
      const reach = SocketAddress.reachOf(ip)
      return reach === "public" || (reach === "loopback" && isLoopback)
    }
    if (host === "localhost") return isLoopback
    return host.includes(".") && !INNER_NAMES.some((ending) => host.endsWith(ending))
  }

  #ownSubnets(): ReadonlyArray<Subnet> {
    const { interfaces, now } = this.#options
    const time = now()
    // Also after the clock was set back.
    if (Math.abs(time - this.#subnetsReadAt) < INTERFACES_FRESH_MS) return this.#subnets
    this.#subnetsReadAt = time
    this.#subnets = Object.values(interfaces()).flatMap((all) =>
      (all ?? []).flatMap(({ cidr, internal }) => (cidr === null || internal ? [] : (subnetOf(cidr) ?? []))),
    )
    return this.#subnets
  }
}

const hrefOf = (text: string): string => parseUrl(text)?.href ?? text

/** The IPv4 address in an IPv6 address of the form ::ffff:a.b.c.d (RFC 4291), else the address itself. */
const withoutMapping = (ip: Uint8Array): Uint8Array => {
  const isMapped =
    ip.length === 16 && ip[10] === 0xff && ip[11] === 0xff && ip.subarray(0, 10).every((byte) => byte === 0)
  return isMapped ? ip.subarray(12) : ip
}

/** The subnet of an interface's address in the form "192.168.1.5/24". */
const subnetOf = (cidr: string): Subnet | undefined => {
  const [text = "", bits = ""] = cidr.split("/")
  const address = SocketAddress.parse(text.includes(":") ? `[${text}]:1` : `${text}:1`)?.ip
  return address === undefined ? undefined : { address, prefixBits: Number(bits) }
}

const isIn = (ip: Uint8Array, { address, prefixBits }: Subnet): boolean => {
  if (ip.length !== address.length) return false
  for (let bit = 0; bit < prefixBits; bit += 8) {
    const mask = prefixBits - bit >= 8 ? 0xff : 0xff << (8 - (prefixBits - bit))
    if (((ip[bit >> 3]! ^ address[bit >> 3]!) & mask) !== 0) return false
  }
  return true
}

/** Whether all bits after the prefix are set. A subnet of two addresses or one has no broadcast address (RFC 3021). */
const isLastOf = (ip: Uint8Array, { prefixBits }: Subnet): boolean => {
  if (prefixBits > 30) return false
  for (let bit = prefixBits; bit < 32; bit++) if (((ip[bit >> 3]! >> (7 - (bit & 7))) & 1) === 0) return false
  return true
}
