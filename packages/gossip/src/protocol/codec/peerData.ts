/**
 * What peers tell about themselves in Join, Neighbor, ForwardJoin and Shuffle: where they can be reached. Source: iroh-gossip
 * 0.101 `src/net.rs` (`AddrInfo`): postcard of an optional relay URL and a sorted set of socket addresses. Empty bytes stand
 * for neither.
 */
import { Postcard } from "@topic-tracker/postcard"
import { Result } from "effect"
import { type EndpointAddress, emptyAddress } from "../../AddressLookup.ts"
import * as SocketAddress from "./socketAddress.ts"

const addrInfo = Postcard.struct({
  relayUrl: Postcard.undefinedOr(Postcard.string),
  direct: Postcard.seq(SocketAddress.socketAddress),
})

/**
 * The bytes of an address. What the reference would not read is left out, since it would refuse the whole: direct addresses
 * that are no IP and port, and a relay that is no URL.
 */
export const encodePeerData = (address: EndpointAddress): Uint8Array => {
  const relayUrl = address.relayUrl === undefined ? undefined : URL.parse(address.relayUrl)?.href
  const parsed = address.direct.map(SocketAddress.parse).filter((parsed) => parsed !== undefined)
  parsed.sort(SocketAddress.compare)
  const direct = parsed.filter((each, i) => i === 0 || SocketAddress.compare(each, parsed[i - 1]!) !== 0)
  return Postcard.encodeSync(addrInfo)({ relayUrl, direct })
}

/** The address that the bytes say, or why they say none. */
export const decodePeerData = (data: Uint8Array): Result.Result<EndpointAddress, Postcard.DecodeError> => {
  if (data.length === 0) return Result.succeed(emptyAddress)
  return Result.map(Postcard.decodeResult(addrInfo)(data), ({ relayUrl, direct }) => ({
    relayUrl: relayUrl === undefined ? undefined : URL.parse(relayUrl)?.href,
    direct: direct.map(SocketAddress.format),
  }))
}
