/**
 * Test support, exported as `@topic-tracker/gossip/testing`: a network in memory, on Effect's Clock and Random, with delays, losses,
 * partitions and crashes that a test or a simulation decides; and the invariants of the state machine.
 */
import type { Identity } from "@topic-tracker/crypto"
import { Layer } from "effect"
import { Gossip } from "./Gossip.ts"
import type { GossipConfigInput } from "./GossipConfig.ts"
import * as MemoryTransport from "./transport/memory/layer.ts"
import type { MemoryNetwork } from "./transport/memory/MemoryNetwork.ts"

export { checkInvariants, InvariantChecker } from "./protocol/checkInvariants.ts"
export type { RecoveryTimes } from "./transport/memory/LossRecovery.ts"
export {
  type LinkPolicy,
  type LinkState,
  MemoryNetwork,
  type MemoryNetworkOptions,
  type RecoveryPolicy,
  type RetransmitPolicy,
} from "./transport/memory/MemoryNetwork.ts"
export { MemoryTransport }

/**
 * {@link Gossip} over a network in memory. An invalid configuration is a defect.
 *
 * @since 0.1.0
 * @category testing
 */
export const layerMemory = (network: MemoryNetwork, config?: GossipConfigInput): Layer.Layer<Gossip, never, Identity> =>
  Gossip.layer(config).pipe(Layer.provide(MemoryTransport.layer(network)), Layer.orDie)
