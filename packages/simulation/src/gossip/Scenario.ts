/** A scenario of the gossip protocol alone, as iroh-gossip's simulator knows them (`src/bin/sim.rs`). */
import type { ProtocolConfig } from "@topic-tracker/gossip/stateMachine"
import type { Latency } from "../network/Latency.ts"

export type Bootstrap =
  /** Everyone joins node 0. */
  | { readonly _tag: "Single" }
  /** The first `count` nodes join node 0; each of the others, later, one of these at random. */
  | { readonly _tag: "Set"; readonly count: number }

/**
 * Who speaks in a round: one node, the same in each round; one node, drawn anew for each round; every node at once.
 */
export type Simulation = "GossipSingle" | "GossipMulti" | "GossipAll"

export interface Scenario {
  readonly sim: Simulation
  readonly nodes: number
  readonly rounds: number
  readonly bootstrap: Bootstrap
  readonly latency: Latency
  readonly protocol: ProtocolConfig
}

/** The scenario's name: `GossipMulti-n100-r30`. */
export const label = ({ nodes, rounds, sim }: Scenario): string => `${sim}-n${nodes}-r${rounds}`
