import type { EndpointId } from "@topic-tracker/crypto"
import { Context } from "effect"

/**
 * The endpoint id of the peer at the other end of the stream that is being handled. QUIC proved it: the peer has the key.
 *
 * @since 0.1.0
 * @category services
 */
export class RemotePeer extends Context.Service<RemotePeer, EndpointId.EndpointId>()(
  "@topic-tracker/peers/RemotePeer",
) {}
