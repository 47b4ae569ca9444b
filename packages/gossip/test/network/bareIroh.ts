/** iroh endpoints without any of our code, for peers that misbehave. */
import * as Iroh from "@number0/iroh"
import { Effect } from "effect"

const GOSSIP_ALPN = [...new TextEncoder().encode("/iroh-gossip/1")]

/** An endpoint on loopback that dials. */
export const bareEndpoint = Effect.acquireRelease(
  Effect.promise(() => {
    const builder = Iroh.Endpoint.builder()
    Iroh.presetMinimal(builder)
    builder.bindAddr("127.0.0.1:0")
    return builder.bind()
  }),
  (endpoint) => Effect.promise(() => endpoint.close()),
)

/** A connection to a gossip node. */
export const bareConnect = (
  endpoint: Iroh.Endpoint,
  to: { readonly endpointId: string; readonly direct: ReadonlyArray<string> },
  alpn: Array<number> = GOSSIP_ALPN,
) => endpoint.connect(new Iroh.EndpointAddr(Iroh.EndpointId.fromString(to.endpointId), null, [...to.direct]), alpn)
