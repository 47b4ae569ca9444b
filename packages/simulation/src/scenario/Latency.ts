/** The delay of a message between two nodes of a gossip scenario, in whole microseconds. */
import type { Rng } from "@topic-tracker/gossip/stateMachine"

export type Latency =
  /** The same between all nodes. */
  | { readonly _tag: "Static"; readonly micros: number }
  /** Drawn once for each pair of nodes, evenly from `minMicros` (included) to `maxMicros` (excluded). */
  | { readonly _tag: "Dynamic"; readonly minMicros: number; readonly maxMicros: number }

/** iroh-gossip's default for a network (`src/proto/sim.rs`). */
export const defaultLatency: Latency = { _tag: "Dynamic", minMicros: 10_000, maxMicros: 100_000 }

/** The latency of one pair. */
export const draw = (latency: Latency, rng: Rng): number =>
  latency._tag === "Static" ? latency.micros : latency.minMicros + rng.nextInt(latency.maxMicros - latency.minMicros)

/** The upper bound of a pair's latency. */
export const longest = (latency: Latency): number => (latency._tag === "Static" ? latency.micros : latency.maxMicros)
