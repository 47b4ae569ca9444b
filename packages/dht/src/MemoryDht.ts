/**
 * The in-memory network as users meet it: make one, then give each participant a layer of it. See `memory/MemoryNetwork.ts` for
 * what it simulates.
 */
import type { Crypto } from "@topic-tracker/crypto"
import { type Effect, Layer } from "effect"
import { Dht } from "./Dht.ts"
import { makeMemoryNetwork } from "./memory/MemoryNetwork.ts"
import type { MemoryClientOptions, MemoryDhtOptions, MemoryNetwork } from "./memory/options.ts"

/** A simulated network. Which nodes are where and what chance brings follows from Effect's Random. */
export const make = (options: MemoryDhtOptions = {}): Effect.Effect<MemoryNetwork> => makeMemoryNetwork(options)

/** A new participant of the network. */
export const layer = (network: MemoryNetwork, options: MemoryClientOptions = {}): Layer.Layer<Dht, never, Crypto> =>
  Layer.effect(Dht, network.client(options))

export type {
  Injection,
  MemoryClientOptions,
  MemoryDhtOptions,
  MemoryFaults,
  MemoryNetwork,
  NodeLoad,
} from "./memory/options.ts"
