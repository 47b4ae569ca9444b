/**
 * Finds the addresses of a peer by its key, and publishes our own addresses: records and gossip name peers by key only. The layer
 * over the DHT is in @topic-tracker/core; this file has the contract and the layers that need no network.
 */
import { parseUrl } from "@topic-tracker/common"
import { type EndpointId, Identity } from "@topic-tracker/crypto"
import { Context, Effect, Layer, Schema, Stream } from "effect"

/**
 * The addresses of an endpoint.
 *
 * @since 0.1.0
 * @category models
 */
export interface EndpointAddress {
  /** The URL of the home relay, if there is one. */
  readonly relayUrl: string | undefined
  /** "IP:port" or "[IPv6]:port". */
  readonly direct: ReadonlyArray<string>
}

/**
 * The address of an endpoint of which no address is known.
 *
 * @since 0.1.0
 * @category operations
 */
export const emptyAddress: EndpointAddress = { relayUrl: undefined, direct: [] }

/**
 * Whether the address has neither a relay nor a direct address.
 *
 * @since 0.1.0
 * @category predicates
 */
export const isEmptyAddress = ({ direct, relayUrl }: EndpointAddress): boolean =>
  relayUrl === undefined && direct.length === 0

/** Whether both have the same relay and the same direct addresses in the same order. */
export const isSameAddress = (a: EndpointAddress, b: EndpointAddress): boolean =>
  a.relayUrl === b.relayUrl && a.direct.length === b.direct.length && a.direct.every((each, i) => each === b.direct[i])

/** The maximum length of a relay's URL in characters. Thousands of them are remembered, and peers choose them. */
const MAX_RELAY_URL_LENGTH = 256

/**
 * Whether the text is a URL that a relay can have: http or https, at most 256 characters.
 *
 * @since 0.1.0
 * @category predicates
 */
export const isRelayUrl = (text: string): boolean =>
  text.length <= MAX_RELAY_URL_LENGTH && ["https:", "http:"].includes(parseUrl(text)?.protocol ?? "")

/**
 * The reason for a dial.
 * - `wanted`: the user, a record, or the loss of a neighbour.
 * - `gossip`: a message of another peer has named the peer. Any peer can name any number of others, so these dials get a limited share
 *   of the dials, of the addresses and of the lookups in the DHT.
 *
 * @since 0.1.0
 * @category models
 */
export type DialOrigin = "wanted" | "gossip"

/**
 * Options of `resolve` of {@link AddressLookup}.
 *
 * @since 0.1.0
 * @category options
 */
export interface ResolveOptions {
  /** Default "wanted". */
  readonly origin?: DialOrigin
  /** The reader has an address of the peer already, so that a lookup that costs something may wait a moment. Default false. */
  readonly hasAddress?: boolean
}

/**
 * An address could not be looked up or published. `endpointId` is the endpoint whose address it is.
 *
 * @since 0.1.0
 * @category errors
 */
export class AddressLookupError extends Schema.TaggedError<AddressLookupError>()("AddressLookupError", {
  endpointId: Schema.String,
  message: Schema.String,
}) {}

/**
 * Finds the addresses of peers that are known by key, and publishes our own.
 *
 * @since 0.1.0
 * @category services
 */
export class AddressLookup extends Context.Service<
  AddressLookup,
  {
    /** The known addresses of the peer, the freshest first; more may follow as answers arrive. Empty if nothing is found. */
    readonly resolve: (
      peer: EndpointId.EndpointId,
      options?: ResolveOptions,
    ) => Stream.Stream<EndpointAddress, AddressLookupError>
    /** Publishes our own addresses, from now until the next call. Calling it again with the same address is safe. */
    readonly publish: (own: EndpointAddress) => Effect.Effect<void, AddressLookupError>
    /** Remembers an address that the peer itself gave: in its record, or over its own connection. */
    readonly learnAddress: (peer: EndpointId.EndpointId, address: EndpointAddress) => Effect.Effect<void>
  }
>()("@topic-tracker/gossip/AddressLookup") {
  /** Finds nothing: peers are reached at addresses that other peers send, or by the endpoint's own discovery. */
  static readonly layerNone = (): Layer.Layer<AddressLookup> =>
    Layer.succeed(AddressLookup, {
      resolve: () => Stream.empty,
      publish: () => Effect.void,
      learnAddress: () => Effect.void,
    })

  /** Finds what the map has at the time of the lookup. Publishes nothing. */
  static readonly layerStatic = (
    addresses: ReadonlyMap<EndpointId.EndpointId, EndpointAddress>,
  ): Layer.Layer<AddressLookup> =>
    Layer.succeed(AddressLookup, {
      resolve: (peer) => found(addresses.get(peer)),
      publish: () => Effect.void,
      learnAddress: () => Effect.void,
    })

  /** A map that every endpoint with this layer reads and publishes into: for several endpoints in one process. */
  static readonly layerShared = (
    addresses: Map<EndpointId.EndpointId, EndpointAddress>,
  ): Layer.Layer<AddressLookup, never, Identity> =>
    Layer.effect(
      AddressLookup,
      Effect.map(Identity, ({ endpointId }) => ({
        resolve: (peer: EndpointId.EndpointId) => found(addresses.get(peer)),
        publish: (own: EndpointAddress) => Effect.sync(() => void addresses.set(endpointId, own)),
        learnAddress: () => Effect.void,
      })),
    )
}

const found = (address: EndpointAddress | undefined): Stream.Stream<EndpointAddress> =>
  address === undefined ? Stream.empty : Stream.succeed(address)
