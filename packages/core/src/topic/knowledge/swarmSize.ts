/** The size of a topic's swarm, as far as this node can tell: each node does its share of what the whole swarm should do. */
import { Effect } from "effect"
import type { SessionContext } from "../SessionContext.ts"

/**
 * Before shuffles show more, the size grows with the peers that this node has met: it has met all of 10 peers after its first minute, some
 * 25 of 100, and some 35 of 1,000.
 */
const MET_CUBED = 9

/** The number of nodes in the swarm, estimated. */
export const swarmSize = ({ gossip, swarm }: SessionContext): Effect.Effect<number> =>
  Effect.map(gossip.estimatedSize, (size) => size ?? swarm.metCount ** 3 / MET_CUBED)

/** The same when the swarm may be in parts, or not what it seems: before shuffles show more, the members that this node knows. */
export const leastSwarmSize = ({ gossip, swarm }: SessionContext): Effect.Effect<number> =>
  Effect.map(gossip.estimatedSize, (size) => size ?? swarm.memberCount)
