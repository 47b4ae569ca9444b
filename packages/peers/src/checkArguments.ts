/** The checks of what a program gives to Peers: the name of a protocol, and the id of a peer. */
import { EndpointId } from "@topic-tracker/crypto"
import { Effect, Schema } from "effect"
import { PeerError } from "./PeerError.ts"
import { isProtocolName } from "./streams/wire.ts"

export const checkProtocol = (protocol: string): Effect.Effect<void, PeerError> =>
  isProtocolName(protocol)
    ? Effect.void
    : Effect.fail(
        new PeerError({
          reason: "InvalidArgument",
          message: `protocol: ${JSON.stringify(protocol)}; expected 1 to 64 bytes of UTF-8`,
        }),
      )

const isEndpointId = Schema.is(EndpointId.EndpointId)

export const checkPeer = (peer: EndpointId.EndpointId, self: EndpointId.EndpointId): Effect.Effect<void, PeerError> => {
  if (!isEndpointId(peer)) {
    const message = `peer: ${JSON.stringify(peer)}; expected an endpoint id, 64 hex digits in lower case`
    return Effect.fail(new PeerError({ reason: "UnknownMember", message }))
  }
  if (peer !== self) return Effect.void
  const message = "peer: the id of this node; expected that of another"
  return Effect.fail(new PeerError({ reason: "InvalidArgument", peer, message }))
}
