/**
 * A world in memory: a DHT and a network, in which any number of nodes live in one process without sockets, on Effect's Clock and Random.
 * For tests of programs that use topics, and for simulations.
 */
import { Crypto, SecretRotation } from "@topic-tracker/crypto"
import { MemoryDht } from "@topic-tracker/dht/testing"
import { AddressLookup, type GossipConfigInput } from "@topic-tracker/gossip"
import { layerMemory, MemoryNetwork, type MemoryNetworkOptions } from "@topic-tracker/gossip/testing"
import { Effect, Layer, type Scope, Stream } from "effect"
import { checkNames } from "../config/checkNames.ts"
import type { TopicConfigError } from "../config/TopicConfig.ts"
import { type IdentitySeed, identityLayer, withOwnSeed } from "../stack/identity.ts"
import type { Services } from "../stack/node.ts"
import { TopicTracker, type TopicTrackerOptions } from "../tracker/TopicTracker.ts"

/**
 * The behaviour of a world's DHT and network.
 *
 * @since 0.1.0
 * @category options
 */
export interface MemoryWorldOptions {
  /** The faults, the latency and the size of the DHT. Default: 200 healthy nodes without latency. */
  readonly dht?: MemoryDht.MemoryDhtOptions
  /** Delay, loss and reachability between endpoints. Default: none, none, all. */
  readonly network?: MemoryNetworkOptions
}

/**
 * A world, made by {@link make}. Give it to the {@link layer} of each node.
 *
 * @since 0.1.0
 * @category models
 */
export interface MemoryWorld {
  readonly dht: MemoryDht.MemoryDhtNetwork
  readonly network: MemoryNetwork
}

/**
 * An empty world. Nothing moves in it after the scope has closed.
 *
 * @since 0.1.0
 * @category testing
 */
export const make = (options: MemoryWorldOptions = {}): Effect.Effect<MemoryWorld, never, Scope.Scope> =>
  Effect.all({ dht: MemoryDht.make(options.dht), network: MemoryNetwork.make(options.network) })

/**
 * Options of one node of a world.
 *
 * @since 0.1.0
 * @category options
 */
export interface MemoryNodeOptions extends TopicTrackerOptions {
  /** 32 bytes: the seed of this node's key. Default: drawn from Effect's Random. */
  readonly identity?: IdentitySeed
  /** The rotation of the secret that seals records. Default: the crate's rotation. */
  readonly rotation?: Layer.Layer<SecretRotation>
  readonly gossip?: GossipConfigInput
  /** The lookup of peers' addresses. Default: in memory a key is its own address. */
  readonly addressLookup?: Layer.Layer<AddressLookup>
  /** The DHT nodes that this node reaches. Default: all. */
  readonly dht?: MemoryDht.MemoryClientOptions
}

/**
 * A node of the world, with the services below its tracker. All random choices come from Effect's Random: a seed repeats a run.
 *
 * @since 0.1.0
 * @category testing
 */
export const layer = (
  world: MemoryWorld,
  given: MemoryNodeOptions = {},
): Layer.Layer<TopicTracker | Services, TopicConfigError> => {
  const options = withOwnSeed(given)
  const services = Layer.mergeAll(
    MemoryDht.layer(world.dht, options.dht),
    layerMemory(world.network, options.gossip),
    options.addressLookup ?? Layer.succeed(AddressLookup, everyAddressIsKnown),
    options.rotation ?? SecretRotation.layer(),
  ).pipe(Layer.provideMerge(identityLayer(options.identity)), Layer.provideMerge(Crypto.layerTest()))
  const tracker = TopicTracker.layerNoDeps({ config: options.config ?? {} })
  return Layer.unwrap(Effect.as(checkNames(options, OPTION_NAMES), Layer.provideMerge(tracker, services)))
}

/** The names of {@link MemoryNodeOptions}. */
const OPTION_NAMES = ["config", "identity", "rotation", "gossip", "addressLookup", "dht"]

const everyAddressIsKnown: AddressLookup["Service"] = {
  resolve: () => Stream.empty,
  publish: () => Effect.void,
  learnAddress: () => Effect.void,
}
