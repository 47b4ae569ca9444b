/**
 * Topics of the gossip overlay as a service: HyParView for membership, PlumTree for broadcast, wire-compatible with
 * iroh-gossip 0.101 (ALPN `/iroh-gossip/1`). It knows neither DHT nor records: whom to join is told to it.
 */
import type { Identity } from "@topic-tracker/crypto"
import { Context, Effect, Layer } from "effect"
import type { AddressLookup } from "./AddressLookup.ts"
import * as Engine from "./engine/service.ts"
import { type GossipConfigInput, resolveConfig } from "./GossipConfig.ts"
import type { GossipError } from "./GossipError.ts"
import type { GossipService } from "./GossipService.ts"
import * as IrohTransport from "./transport/iroh/layer.ts"
import * as MemoryTransport from "./transport/memory/layer.ts"
import type { MemoryNetwork } from "./transport/memory/MemoryNetwork.ts"
import type { GossipTransport } from "./transport/Transport.ts"

/** The gossip node of this process: it opens topics, in which everyone hears what anyone broadcasts. */
export class Gossip extends Context.Service<Gossip, GossipService>()("@topic-tracker/gossip/Gossip") {
  /** Gossip over any transport. Fails with InvalidArgument when the configuration is not valid. */
  static readonly layer = (config?: GossipConfigInput): Layer.Layer<Gossip, GossipError, GossipTransport> =>
    Layer.effect(Gossip, Effect.flatMap(resolveConfig(config), Engine.make))

  /**
   * Gossip over an iroh endpoint whose secret key is the Identity's. Fails with Bind when the endpoint cannot be bound, or
   * iroh's binding not be loaded. When the scope closes, topics are left, connections and the endpoint closed.
   */
  static readonly layerIroh = (
    options: IrohTransport.IrohOptions & { readonly config?: GossipConfigInput } = {},
  ): Layer.Layer<Gossip, GossipError, Identity | AddressLookup> =>
    Gossip.layer(options.config).pipe(Layer.provide(IrohTransport.layer(options)))

  /** Gossip in a network in memory: for tests and simulations. A configuration that is not valid is a defect. */
  static readonly layerMemory = (
    network: MemoryNetwork,
    config?: GossipConfigInput,
  ): Layer.Layer<Gossip, never, Identity> =>
    Gossip.layer(config).pipe(Layer.provide(MemoryTransport.layer(network)), Layer.orDie)
}
