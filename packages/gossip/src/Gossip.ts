/**
 * The Gossip service: topics on the gossip overlay, with HyParView for membership and PlumTree for broadcast, wire-compatible with
 * iroh-gossip 0.101 (ALPN `/iroh-gossip/1`). It knows neither the DHT nor records: its user decides which peers to join.
 */
import type { Identity } from "@topic-tracker/crypto"
import { Context, Effect, Layer } from "effect"
import type { AddressLookup } from "./AddressLookup.ts"
import { makeService } from "./engine/service.ts"
import { type GossipConfigInput, resolveConfig } from "./GossipConfig.ts"
import type { GossipError, GossipService } from "./model.ts"
import * as IrohTransport from "./transport/iroh/layer.ts"
import type { GossipTransport } from "./transport/Transport.ts"

/**
 * The gossip node of this process. It opens topics; every member of a topic receives what any member broadcasts.
 *
 * @since 0.1.0
 * @category services
 */
export class Gossip extends Context.Service<Gossip, GossipService>()("@topic-tracker/gossip/Gossip") {
  /** Gossip over any transport. Fails with InvalidArgument if the configuration is invalid. */
  static readonly layer = (config?: GossipConfigInput): Layer.Layer<Gossip, GossipError, GossipTransport> =>
    Layer.effect(Gossip, Effect.flatMap(resolveConfig(config), makeService))

  /**
   * Gossip over an iroh endpoint whose secret key is the Identity's. Fails with Bind if the endpoint cannot be bound or iroh's native
   * binding cannot be loaded, and with InvalidArgument. When the scope closes, the topics, connections and the endpoint are closed.
   */
  static readonly layerIroh = ({
    config,
    ...options
  }: IrohTransport.IrohOptions & { readonly config?: GossipConfigInput } = {}): Layer.Layer<
    Gossip,
    GossipError,
    Identity | AddressLookup
  > => Gossip.layer(config).pipe(Layer.provide(IrohTransport.layer(options)))
}
