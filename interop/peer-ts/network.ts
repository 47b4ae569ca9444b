/** Gossip over iroh as the test programs use it: no relay, and loopback and private addresses told to others. */
import { DhtAddressLookup } from "@topic-tracker/core"
import { EndpointId } from "@topic-tracker/crypto"
import { AddressLookup, type EndpointAddress, Gossip, type GossipConfigInput } from "@topic-tracker/gossip"
import { Effect, type Layer, Stream } from "effect"
import { type Args, contactOf } from "./args.ts"
import { say } from "./talk.ts"

/** Addresses that the test told, by peer. */
export type Told = Map<EndpointId.EndpointId, EndpointAddress>

/** The peers of a `--join` option or a `join` command; the addresses among them are noted in `told`. */
export const learn = (told: Told, peers: ReadonlyArray<string>): ReadonlyArray<EndpointId.EndpointId> =>
  peers.map((text) => {
    const { id, address } = contactOf(text)
    const peer = EndpointId.EndpointId.make(id)
    if (address !== undefined) told.set(peer, { relayUrl: undefined, direct: [address] })
    return peer
  })

/** Addresses from the DHT, and ours published to it. */
export const dhtLookupLayer = DhtAddressLookup.layer({ publishPrivateAddresses: true })

/** `--bind IP` for the one address to use, `--relay URL`, `--max-message-size BYTES`, `--shuffle-every MS`. */
export const gossipLayer = (args: Args) => {
  const bind = args.optional("bind")
  const relay = args.optional("relay")
  const shuffleIntervalMs = args.number("shuffle-every")
  const maxMessageSize = args.number("max-message-size")
  const config: GossipConfigInput = {
    ...(shuffleIntervalMs === undefined ? {} : { membership: { shuffleIntervalMs } }),
    ...(maxMessageSize === undefined ? {} : { maxMessageSize }),
  }
  return Gossip.layerIroh({
    publishPrivateAddresses: true,
    config,
    ...(bind === undefined ? {} : { bind: `${bind}:0` }),
    ...(relay === undefined ? {} : { relay: [relay] }),
  })
}

/** Says who and where we are. */
export const sayReady = Effect.gen(function* () {
  const { address, endpointId } = yield* Gossip
  const { direct } = yield* address
  yield* say({ event: "ready", endpointId, addresses: direct })
})

/** Publishes our addresses for as long as the scope lives. */
export const publishAddresses = Effect.gen(function* () {
  const { addressChanges } = yield* Gossip
  const lookup = yield* AddressLookup
  yield* addressChanges.pipe(
    Stream.runForEach((own) =>
      Effect.catch(lookup.publish(own), (error) => say({ event: "error", message: error.message })),
    ),
    Effect.forkScoped,
  )
})

export const staticLookupLayer = (told: Told): Layer.Layer<AddressLookup> => AddressLookup.layerStatic(told)
