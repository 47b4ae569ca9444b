/**
 * How a node that is known by key only is reached. Records and gossip name peers by key; this maps a key to addresses and
 * makes our own addresses known. The layer over the DHT is in @topic-tracker/core; here are the contract and layers that
 * need no network.
 */
import { type EndpointId, Identity } from "@topic-tracker/crypto"
import { Context, Effect, Layer, Schema, Stream } from "effect"

/** Where an endpoint can be reached. */
export interface EndpointAddress {
  /** Home relay, or none. */
  readonly relayUrl: string | undefined
  /** "IP:port" or "[IPv6]:port". */
  readonly direct: ReadonlyArray<string>
}

/** The address of who cannot be reached, or is not known to be anywhere. */
export const nowhere: EndpointAddress = { relayUrl: undefined, direct: [] }

/** Whether the address says nothing of where the endpoint is. */
export const isNowhere = ({ direct, relayUrl }: EndpointAddress): boolean =>
  relayUrl === undefined && direct.length === 0

/** Whether the text is a URL that a relay can have: http or https. */
export const isRelayUrl = (text: string): boolean => ["https:", "http:"].includes(URL.parse(text)?.protocol ?? "")

/** An address could not be looked up or made known; `endpointId` says whose. */
export class AddressLookupError extends Schema.TaggedError<AddressLookupError>()("AddressLookupError", {
  endpointId: Schema.String,
  message: Schema.String,
}) {}

/** An address book that several endpoints of one process may share. */
export type AddressBook = Map<EndpointId.EndpointId, EndpointAddress>

/** How a peer that is known by key only is reached, and how others learn where we are. */
export class AddressLookup extends Context.Service<
  AddressLookup,
  {
    /** What is known of the peer, the freshest first; more may follow as answers arrive. Empty when nothing is found. */
    readonly resolve: (peer: EndpointId.EndpointId) => Stream.Stream<EndpointAddress, AddressLookupError>
    /** Makes our own addresses findable, now and until the next call; safe to call again with the same. */
    readonly publish: (own: EndpointAddress) => Effect.Effect<void, AddressLookupError>
    /** Takes note of what a peer told of another over gossip (PeerData), or of itself in a record. */
    readonly learn: (peer: EndpointId.EndpointId, address: EndpointAddress) => Effect.Effect<void>
  }
>()("@topic-tracker/gossip/AddressLookup") {
  /** Knows nobody: peers are found by what other peers tell of them, or by an endpoint's own discovery. */
  static readonly layerNone: Layer.Layer<AddressLookup> = Layer.succeed(AddressLookup, {
    resolve: () => Stream.empty,
    publish: () => Effect.void,
    learn: () => Effect.void,
  })

  /** Knows what the map says, and says what the map says at the time it is asked. Publishes nothing. */
  static readonly layerStatic = (
    addresses: ReadonlyMap<EndpointId.EndpointId, EndpointAddress>,
  ): Layer.Layer<AddressLookup> =>
    Layer.succeed(AddressLookup, {
      resolve: (peer) => found(addresses.get(peer)),
      publish: () => Effect.void,
      learn: () => Effect.void,
    })

  /** A book that everyone with this layer reads and publishes into: for tests of several endpoints in one process. */
  static readonly layerBook = (book: AddressBook): Layer.Layer<AddressLookup, never, Identity> =>
    Layer.effect(
      AddressLookup,
      Effect.map(Identity, ({ endpointId }) => ({
        resolve: (peer: EndpointId.EndpointId) => found(book.get(peer)),
        publish: (own: EndpointAddress) => Effect.sync(() => void book.set(endpointId, own)),
        learn: () => Effect.void,
      })),
    )
}

const found = (address: EndpointAddress | undefined): Stream.Stream<EndpointAddress> =>
  address === undefined ? Stream.empty : Stream.succeed(address)
