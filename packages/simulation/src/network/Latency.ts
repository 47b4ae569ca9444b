/** How long a message is on its way between two nodes, in whole microseconds. */
import type { Rng } from "@topic-tracker/gossip/stateMachine"

export type Latency =
  /** The same between any two. */
  | { readonly _tag: "Static"; readonly micros: number }
  /** Drawn for each pair of nodes once, evenly from `minMicros` up to and without `maxMicros`. */
  | { readonly _tag: "Dynamic"; readonly minMicros: number; readonly maxMicros: number }

/** iroh-gossip's default for a network (`src/proto/sim.rs`). */
export const defaultLatency: Latency = { _tag: "Dynamic", minMicros: 10_000, maxMicros: 100_000 }

/** The latency of one pair. */
export const draw = (latency: Latency, rng: Rng): number =>
  latency._tag === "Static" ? latency.micros : latency.minMicros + rng.nextInt(latency.maxMicros - latency.minMicros)

/** The most that a pair may have. */
export const longest = (latency: Latency): number => (latency._tag === "Static" ? latency.micros : latency.maxMicros)
