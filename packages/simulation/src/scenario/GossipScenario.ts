/** A scenario of the gossip protocol alone, with the same meaning as in iroh-gossip's simulator (`src/bin/sim.rs`). */
import type { ProtocolConfig } from "@topic-tracker/gossip/stateMachine"
import type { Latency } from "./Latency.ts"

export type Bootstrap =
  /** All nodes join node 0. */
  | { readonly _tag: "Single" }
  /** The first `count` nodes join node 0. Later each other node joins one of these, drawn at random. */
  | { readonly _tag: "Set"; readonly count: number }

/** The senders of a round: one node, the same in each round; one node, drawn for each round; or all nodes at once. */
export type Simulation = "GossipSingle" | "GossipMulti" | "GossipAll"

export interface GossipScenario {
  readonly sim: Simulation
  readonly nodes: number
  readonly rounds: number
  readonly bootstrap: Bootstrap
  readonly latency: Latency
  readonly protocol: ProtocolConfig
}

/** The scenario's name: `GossipMulti-n100-r30`. */
export const gossipLabel = ({ nodes, rounds, sim }: GossipScenario): string => `${sim}-n${nodes}-r${rounds}`
