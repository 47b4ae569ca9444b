/**
 * The data that peers send about themselves in Join, Neighbor, ForwardJoin and Shuffle: their addresses. Source: iroh-gossip
 * 0.101 `src/net.rs` (`AddrInfo`): postcard of an optional relay URL and a sorted set of socket addresses. Empty bytes stand
 * for neither. A socket address is serde's `SocketAddr` in a binary format: an enum of V4 and V6, each the address's bytes and
 * the port as a u16, without IPv6 scope and flow labels.
 */

import { parseUrl } from "@topic-tracker/common/parseUrl"
import * as SocketAddress from "@topic-tracker/common/SocketAddress"
import { Postcard } from "@topic-tracker/postcard"
import { Result } from "effect"
import { type EndpointAddress, emptyAddress } from "../../AddressLookup.ts"

const v4 = Postcard.struct({ ip: Postcard.fixedBytes(4), port: Postcard.u16 })
const v6 = Postcard.struct({ ip: Postcard.fixedBytes(16), port: Postcard.u16 })

const socketAddress: Postcard.Codec<SocketAddress.SocketAddress> = Postcard.make<SocketAddress.SocketAddress>({
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

const addrInfo = Postcard.struct({
  relayUrl: Postcard.undefinedOr(Postcard.string),
  direct: Postcard.seq(socketAddress),
})

/**
 * The bytes of an address. iroh-gossip refuses the whole value if it cannot read a part of it, so parts that it cannot read are
 * left out: direct addresses that are not an IP and a port, and a relay that is not a URL.
 *
 * @since 0.1.0
 * @category encoding
 */
export const encodePeerData = (address: EndpointAddress): Uint8Array => {
  const relayUrl = address.relayUrl === undefined ? undefined : parseUrl(address.relayUrl)?.href
  const parsed = address.direct.map(SocketAddress.parse).filter((parsed) => parsed !== undefined)
  parsed.sort(SocketAddress.compare)
  const direct = parsed.filter((each, i) => i === 0 || SocketAddress.compare(each, parsed[i - 1]!) !== 0)
  return Postcard.encodeSync(addrInfo)({ relayUrl, direct })
}

/**
 * The address in the bytes, or the reason why they hold none.
 *
 * @since 0.1.0
 * @category encoding
 */
export const decodePeerData = (data: Uint8Array): Result.Result<EndpointAddress, Postcard.DecodeError> =>
  data.length === 0 ? Result.succeed(emptyAddress) : Result.map(decodePeerDataPrefix(data), ({ address }) => address)

/**
 * The same of PeerData that is not empty, with the number of its bytes: others may follow.
 *
 * @since 0.1.0
 * @category encoding
 */
export const decodePeerDataPrefix = (
  data: Uint8Array,
): Result.Result<{ readonly address: EndpointAddress; readonly size: number }, Postcard.DecodeError> =>
  Result.map(Postcard.decodePrefixResult(addrInfo)(data), ({ size, value: { direct, relayUrl } }) => ({
    address: {
      relayUrl: relayUrl === undefined ? undefined : parseUrl(relayUrl)?.href,
      direct: direct.map(SocketAddress.format),
    },
    size,
  }))
