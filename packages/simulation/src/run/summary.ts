/** What is reported of a scenario: each figure over all its rounds and seeds. */
import type { RoundStats } from "../gossip/runScenario.ts"
import { label } from "../gossip/Scenario.ts"
import type { ScenarioResult } from "./runAll.ts"

export interface Spread {
  readonly mean: number
  readonly min: number
  readonly max: number
}

export interface Summary {
  readonly name: string
  /** As numbers; as text those that a number cannot hold. */
  readonly seeds: ReadonlyArray<number | string>
  readonly rmr: Spread
  readonly ldh: Spread
  readonly missed: Spread
  readonly duration_ms: Spread
  readonly wall_ms: number
  /** Nodes without a neighbour once the swarm was built, in all seeds together. */
  readonly isolated: number
  /** One hash for each seed: the same in every repetition. */
  readonly log_hashes: ReadonlyArray<string>
}

/**
 * iroh-gossip prints, as mean, min and max, the least over the seeds of each seed's mean, min and max (`RoundStatsAvg::avg`
 * calls `min` three times); here they are what they are called.
 */
export const summarize = ({ runs, scenario, seeds, wallMs }: ScenarioResult): Summary => {
  const rounds = runs.flatMap((run) => run.rounds)
  const spread = (figure: (round: RoundStats) => number): Spread => {
    let [sum, min, max] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
    for (const round of rounds) {
      const value = figure(round)
      sum += value
      min = Math.min(min, value)
      max = Math.max(max, value)
    }
    return { mean: sum / rounds.length, min, max }
  }
  return {
    name: label(scenario),
    seeds: seeds.map((seed) => (Number.isSafeInteger(Number(seed)) ? Number(seed) : String(seed))),
    rmr: spread((round) => round.rmr),
    ldh: spread((round) => round.ldh),
    missed: spread((round) => round.missed),
    duration_ms: spread((round) => round.durationMs),
    wall_ms: wallMs,
    isolated: runs.reduce((sum, run) => sum + run.isolated, 0),
    log_hashes: runs.map((run) => run.logHash),
  }
}
