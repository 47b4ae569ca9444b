/**
 * The parts under a tracker in memory: a world with a DHT and a network of its own, in which any number of nodes live in one
 * process with no socket, on Effect's Clock and Random. For tests of programs that use topics, and for simulation.
 */
import { Crypto, SecretRotation } from "@topic-tracker/crypto"
import { MemoryDht } from "@topic-tracker/dht/testing"
import { AddressLookup, type GossipConfigInput } from "@topic-tracker/gossip"
import { layerMemory, MemoryNetwork, type MemoryNetworkOptions } from "@topic-tracker/gossip/testing"
import { Effect, Layer, type Scope, Stream } from "effect"
import type { TopicConfigError } from "../config/TopicConfig.ts"
import { type IdentitySeed, identityLayer } from "./identity.ts"
import type { Services } from "./node.ts"

/** How the DHT and the network of a world in memory behave. */
export interface MemoryWorldOptions {
  /** What goes wrong in the DHT, how slow it is, how large. Default: 200 healthy nodes without latency. */
  readonly dht?: MemoryDht.MemoryDhtOptions
  /** Delay, loss and reachability between endpoints. Default: none, none, all. */
  readonly network?: MemoryNetworkOptions
}

/** A world for nodes, made by {@link make}; give it to each node's `TopicTracker.layerMemory`. */
export interface MemoryWorld {
  readonly dht: MemoryDht.MemoryDhtNetwork
  readonly network: MemoryNetwork
}

/** An empty world. Nothing moves in it after the scope has closed. */
export const make = (options: MemoryWorldOptions = {}): Effect.Effect<MemoryWorld, never, Scope.Scope> =>
  Effect.all({ dht: MemoryDht.make(options.dht), network: MemoryNetwork.make(options.network) })

/** What one node of a world in memory has of its own. */
export interface MemoryStackOptions {
  /** 32 bytes: the seed of this node's key. Default: drawn from Effect's Random. */
  readonly identity?: IdentitySeed
  /** Which secret seals a minute's records. Default: the reference's rotation. */
  readonly rotation?: Layer.Layer<SecretRotation>
  readonly gossip?: GossipConfigInput
  /** How peers are reached. Default: in memory a key is its own address. */
  readonly addressLookup?: Layer.Layer<AddressLookup>
  /** Which of the DHT's nodes this node reaches. Default: all. */
  readonly dht?: MemoryDht.MemoryClientOptions
}

/** The parts of one node. All that chance decides comes from Effect's Random: a seed repeats a run. */
export const layer = (world: MemoryWorld, options: MemoryStackOptions = {}): Layer.Layer<Services, TopicConfigError> =>
  Layer.mergeAll(
    MemoryDht.layer(world.dht, options.dht),
    layerMemory(world.network, options.gossip),
    options.addressLookup ?? Layer.succeed(AddressLookup, everyoneIsKnown),
    options.rotation ?? SecretRotation.layer(),
  ).pipe(Layer.provideMerge(identityLayer(options.identity)), Layer.provideMerge(Crypto.layerTest()))

const everyoneIsKnown: AddressLookup["Service"] = {
  resolve: () => Stream.empty,
  publish: () => Effect.void,
  learnAddress: () => Effect.void,
}
