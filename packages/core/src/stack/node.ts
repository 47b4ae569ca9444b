/**
 * The real parts under a tracker on Node: native crypto, the DHT over UDP, gossip over iroh, addresses in the DHT. How they
 * are set follows from one configuration.
 *
 * On the public internet the endpoint uses iroh's n0 preset (relays, and the discovery of iroh's makers) beside the look-up in
 * the DHT, or instead of it the relays that are named. With `network.relays` off nothing outside the DHT is asked; with loopback
 * bootstrap nodes only, nothing outside this host but relays that are named: the endpoint binds loopback and its loopback addresses are
 * published.
 */
import { Crypto, type Identity, SecretRotation } from "@topic-tracker/crypto"
import { Dht, type DhtConfig, type DhtError } from "@topic-tracker/dht"
import {
  type AddressLookup,
  Gossip,
  type GossipConfigInput,
  type GossipError,
  IrohTransport,
} from "@topic-tracker/gossip"
import { Layer } from "effect"
import * as DhtAddressLookup from "../address/DhtAddressLookup.ts"
import { dhtOptions, isLoopbackOnly } from "../config/dhtOptions.ts"
import type { TopicConfig, TopicConfigError } from "../config/TopicConfig.ts"
import { type IdentitySeed, identityLayer } from "./identity.ts"

/** What a tracker stands on. */
export type Services = Crypto | Identity | SecretRotation | Dht | Gossip | AddressLookup

/** What a node on real sockets can be given beside its configuration. */
export interface NodeStackOptions {
  /** 32 bytes: the seed of this node's Ed25519 key, for the same endpoint id at every start. Default: a new key. */
  readonly identity?: IdentitySeed
  /** Which secret seals a minute's records. Default: the reference's rotation. */
  readonly rotation?: Layer.Layer<SecretRotation>
  /** Parameters of the gossip protocol and its engine. */
  readonly gossip?: GossipConfigInput
  /** Settings of the DHT client beyond the configuration's, such as the nodes known from an earlier run. */
  readonly dht?: Partial<DhtConfig.DhtOptions>
}

export const layer = (
  config: TopicConfig,
  options: NodeStackOptions = {},
): Layer.Layer<Services, TopicConfigError | DhtError | GossipError> => {
  const loopbackOnly = isLoopbackOnly(config)
  const publishPrivateAddresses = loopbackOnly || config.network.publishPrivateAddresses
  const keys = Layer.mergeAll(identityLayer(options.identity), options.rotation ?? SecretRotation.layer()).pipe(
    Layer.provideMerge(Crypto.layer()),
  )
  const dht = Dht.layer({ ...dhtOptions(config), ...options.dht })
  const lookup = DhtAddressLookup.layer({ ...DhtAddressLookup.fromConfig(config), publishPrivateAddresses })
  const endpoint = IrohTransport.layerEndpoint({
    ...relaysOf(config, loopbackOnly),
    publishPrivateAddresses,
    ...(loopbackOnly ? { bind: "127.0.0.1:0" } : {}),
  })
  const gossip = Gossip.layer(options.gossip).pipe(Layer.provide(IrohTransport.layerOverEndpoint()))
  // The endpoint beside the DHT: to bind it takes some milliseconds, in which the DHT client has asked its first nodes.
  const beside = Layer.mergeAll(endpoint, Layer.provideMerge(lookup, dht))
  return gossip.pipe(Layer.provideMerge(beside), Layer.provideMerge(keys))
}

const relaysOf = (
  { network: { relays, relayUrls } }: TopicConfig,
  loopbackOnly: boolean,
): Pick<IrohTransport.IrohOptions, "preset" | "relay"> => {
  if (relays && relayUrls.length > 0) return { preset: "minimal", relay: relayUrls }
  return { preset: relays && !loopbackOnly ? "n0" : "minimal" }
}
