/** Gossip over iroh for the test programs: without a relay by default, and with loopback and private addresses published. */
import { DhtAddressLookup } from "@topic-tracker/core"
import { EndpointId } from "@topic-tracker/crypto"
import { AddressLookup, type EndpointAddress, Gossip, type GossipConfigInput } from "@topic-tracker/gossip"
import { Effect, type Layer, Stream } from "effect"
import { type Args, contactOf } from "./args.ts"
import { emit } from "./stdio.ts"

/** The addresses that the test gave, by peer. */
export type KnownAddresses = Map<EndpointId.EndpointId, EndpointAddress>

/** The peers of a `--join` option or a `join` command. Stores their addresses in `known`. */
export const learnAddresses = (
  known: KnownAddresses,
  peers: ReadonlyArray<string>,
): ReadonlyArray<EndpointId.EndpointId> =>
  peers.map((text) => {
    const { id, address } = contactOf(text)
    const peer = EndpointId.EndpointId.make(id)
    if (address !== undefined) known.set(peer, { relayUrl: undefined, direct: [address] })
    return peer
  })

/** Looks up and publishes addresses in the DHT. */
export const dhtLookupLayer = DhtAddressLookup.layer({ publishPrivateAddresses: true })

/** `--bind IP` for the address to use, `--relay URL`, `--max-message-size BYTES`, `--shuffle-every MS`. */
export const gossipLayer = (args: Args) => {
  const bind = args.optional("bind")
  const relay = args.optional("relay")
  const shuffleInterval = args.number("shuffle-every")
  const maxMessageSize = args.number("max-message-size")
  const config: GossipConfigInput = {
    ...(shuffleInterval === undefined ? {} : { membership: { shuffleInterval } }),
    ...(maxMessageSize === undefined ? {} : { maxMessageSize }),
  }
  return Gossip.layerIroh({
    publishPrivateAddresses: true,
    config,
    ...(bind === undefined ? {} : { bind: `${bind}:0` }),
    ...(relay === undefined ? {} : { relay: [relay] }),
  })
}

/** Prints our id and addresses. */
export const emitReady = Effect.gen(function* () {
  const { address, endpointId } = yield* Gossip
  const { direct } = yield* address
  yield* emit({ event: "ready", endpointId, addresses: direct })
})

/** Publishes our addresses until the scope closes. */
export const publishAddresses = Effect.gen(function* () {
  const { addressChanges } = yield* Gossip
  const lookup = yield* AddressLookup
  yield* addressChanges.pipe(
    Stream.runForEach((own) =>
      Effect.catch(lookup.publish(own), (error) => emit({ event: "error", message: error.message })),
    ),
    Effect.forkScoped,
  )
})

/** Looks up addresses in `known` only. */
export const staticLookupLayer = (known: KnownAddresses): Layer.Layer<AddressLookup> => AddressLookup.layerStatic(known)
