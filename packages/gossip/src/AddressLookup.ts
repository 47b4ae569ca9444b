/**
 * How a node that is known by key only is reached. Records and gossip name peers by key; this maps a key to addresses and
 * makes our own addresses known. The layer over the DHT is in @topic-tracker/core; here are the contract and a static one.
 */
import type { EndpointId } from "@topic-tracker/crypto"
import { Context, type Effect, Schema, type Stream } from "effect"

/** Where an endpoint can be reached. */
export interface EndpointAddress {
  /** Home relay, or none. */
  readonly relayUrl: string | undefined
  /** "IP:port" or "[IPv6]:port". */
  readonly direct: ReadonlyArray<string>
}

export class AddressLookupError extends Schema.TaggedError<AddressLookupError>()("AddressLookupError", {
  endpointId: Schema.String,
  message: Schema.String,
}) {}

export class AddressLookup extends Context.Service<
  AddressLookup,
  {
    /** What is known of the peer, the freshest first; more may follow as answers arrive. Empty when nothing is found. */
    readonly resolve: (peer: EndpointId.EndpointId) => Stream.Stream<EndpointAddress, AddressLookupError>
    /** Makes our own addresses findable, now and until the next call; safe to call again with the same. */
    readonly publish: (own: EndpointAddress) => Effect.Effect<void, AddressLookupError>
    /** Takes note of what a peer told of another over gossip (PeerData). */
    readonly learn: (peer: EndpointId.EndpointId, address: EndpointAddress) => Effect.Effect<void>
  }
>()("@topic-tracker/gossip/AddressLookup") {}
