/**
 * The parts of a node on Node.js: native crypto, the DHT over UDP, gossip over iroh, addresses in the DHT. All settings follow
 * from one configuration.
 *
 * The DHT client's options decide where sockets are bound: if all bootstrap nodes are loopback addresses, the endpoint binds
 * loopback only, publishes its loopback addresses, and uses no relays but those that are named. Else the endpoint uses iroh's n0
 * preset (relays, and the discovery of iroh's makers) in addition to the lookup in the DHT, or the named relays in its place.
 */
import { Crypto, type Identity, SecretRotation } from "@topic-tracker/crypto"
import { Dht, DhtConfig, type DhtError } from "@topic-tracker/dht"
import {
  type AddressLookup,
  Gossip,
  type GossipConfigInput,
  type GossipError,
  IrohTransport,
} from "@topic-tracker/gossip"
import { Layer } from "effect"
import * as DhtAddressLookup from "../address/DhtAddressLookup.ts"
import { dhtOptions } from "../config/dhtOptions.ts"
import type { TopicConfig, TopicConfigError } from "../config/TopicConfig.ts"
import { type IdentitySeed, identityLayer } from "./identity.ts"

/**
 * The services that a tracker is built on.
 *
 * @since 0.1.0
 * @category models
 */
export type Services = Crypto | Identity | SecretRotation | Dht | Gossip | AddressLookup

/**
 * Parts of a node on real sockets that are no option of the configuration.
 *
 * @since 0.1.0
 * @category options
 */
export interface NodeStackOptions {
  /**
   * The seed of this node's Ed25519 key, 32 bytes, for the same endpoint id at every start. It is copied. Default: a new key at
   * each start.
   */
  readonly identity?: IdentitySeed
  /** The rotation of the secret that seals a minute's records. Default: the crate's rotation. */
  readonly rotation?: Layer.Layer<SecretRotation>
  /**
   * The implementation of the cryptography, for example `Crypto.layerPortable()`. Default: the native one where node:crypto exists,
   * else the portable one.
   */
  readonly crypto?: Layer.Layer<Crypto>
  /** Parameters of the gossip protocol and its engine. */
  readonly gossip?: GossipConfigInput
}

/** The services of a node with this configuration. */
export const layer = (
  config: TopicConfig,
  options: NodeStackOptions = {},
): Layer.Layer<Services, TopicConfigError | DhtError | GossipError> => {
  const settings = { ...DhtConfig.defaults, ...dhtOptions(config) }
  const loopbackOnly = DhtConfig.isLoopbackOnly(settings.bootstrap)
  const publishPrivateAddresses = loopbackOnly || config.network.publishPrivateAddresses
  const keys = Layer.mergeAll(identityLayer(options.identity), options.rotation ?? SecretRotation.layer()).pipe(
    Layer.provideMerge(options.crypto ?? Crypto.layer()),
  )
  const dht = Dht.layer(settings)
  const lookup = DhtAddressLookup.layer({ ...DhtAddressLookup.fromConfig(config), publishPrivateAddresses })
  const endpoint = IrohTransport.layerEndpoint({
    ...relaysOf(config, loopbackOnly),
    publishPrivateAddresses,
    ...(loopbackOnly ? { bind: "127.0.0.1:0" } : {}),
  })
  const gossip = Gossip.layer(options.gossip).pipe(Layer.provide(IrohTransport.layerOverEndpoint()))
  // The endpoint takes some milliseconds to bind. Meanwhile the DHT client asks its first nodes.
  const concurrent = Layer.mergeAll(endpoint, Layer.provideMerge(lookup, dht))
  return gossip.pipe(Layer.provideMerge(concurrent), Layer.provideMerge(keys))
}

const relaysOf = (
  { network: { relays } }: TopicConfig,
  loopbackOnly: boolean,
): Pick<IrohTransport.IrohOptions, "preset" | "relay"> => {
  if (typeof relays === "object") return { preset: "minimal", relay: relays }
  return { preset: relays === "public" && !loopbackOnly ? "n0" : "minimal" }
}
