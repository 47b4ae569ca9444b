/**
 * The in-memory network for users: make one, then give each participant a layer of it. `memory/makeMemoryNetwork.ts` describes what
 * it simulates.
 */
import type { Crypto } from "@topic-tracker/crypto"
import { Effect, Layer } from "effect"
import { Dht } from "../Dht.ts"
import { makeMemoryNetwork } from "./memory/makeMemoryNetwork.ts"
import type { MemoryClientOptions, MemoryDhtNetwork, MemoryDhtOptions } from "./memory/options.ts"

/**
 * A simulated network. The places of its nodes and all chance come from Effect's Random.
 * @since 0.1.0
 * @category testing
 */
export const make = (options: MemoryDhtOptions = {}): Effect.Effect<MemoryDhtNetwork> => makeMemoryNetwork(options)

/**
 * A new participant of the network.
 * @since 0.1.0
 * @category testing
 */
export const layer = (network: MemoryDhtNetwork, options: MemoryClientOptions = {}): Layer.Layer<Dht, never, Crypto> =>
  Layer.effect(Dht, network.client(options))

/**
 * The only participant of a simulated network of its own.
 * @since 0.1.0
 * @category testing
 */
export const layerAlone = (options: MemoryDhtOptions = {}): Layer.Layer<Dht, never, Crypto> =>
  Layer.effect(
    Dht,
    Effect.flatMap(make(options), (network) => network.client()),
  )

export type {
  Injection,
  MemoryClientOptions,
  MemoryDhtNetwork,
  MemoryDhtOptions,
  MemoryFaults,
  NodeLoad,
} from "./memory/options.ts"
