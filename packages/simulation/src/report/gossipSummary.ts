/** The reported figures of a gossip scenario, each over all rounds and seeds: an object for JSON, and a table for people. */
import { textTable } from "@topic-tracker/cli-kit"
import type { RoundStats } from "../gossip/runGossipScenario.ts"
import type { GossipScenarioResult } from "../run/runGossipScenarios.ts"
import { gossipLabel } from "../scenario/GossipScenario.ts"

export interface Spread {
  readonly mean: number
  readonly min: number
  readonly max: number
}

export interface GossipSummary {
  readonly name: string
  /** As numbers; a seed that a number cannot hold as text. */
  readonly seeds: ReadonlyArray<number | string>
  readonly rmr: Spread
  readonly ldh: Spread
  readonly missed: Spread
  readonly duration_ms: Spread
  readonly wall_ms: number
  /** Nodes without a neighbour after the swarm was built, summed over all seeds. */
  readonly isolated: number
  /** One hash for each seed, the same in each repetition. */
  readonly log_hashes: ReadonlyArray<string>
}

/**
 * Mean, minimum and maximum over all rounds and seeds. iroh-gossip prints instead the least over the seeds of each seed's mean,
 * minimum and maximum (`RoundStatsAvg::avg` calls `min` three times).
 */
export const summarizeGossip = ({ runs, scenario, seeds, wallMs }: GossipScenarioResult): GossipSummary => {
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
    name: gossipLabel(scenario),
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

/** The summaries as a table: one line for each scenario, each figure as mean (min to max). */
export const gossipTable = (summaries: ReadonlyArray<GossipSummary>): string => {
  const header = ["scenario", "seeds", "RMR", "LDH", "missed", "duration ms", "wall ms"]
  const rows = summaries.map((each) => [
    each.name,
    String(each.seeds.length),
    asText(each.rmr, 2),
    asText(each.ldh, 1),
    asText(each.missed, 0),
    asText(each.duration_ms, 0),
    each.wall_ms.toFixed(0),
  ])
  return textTable(header, rows)
}

const asText = ({ max, mean, min }: Spread, digits: number): string =>
  `${mean.toFixed(digits)} (${min.toFixed(digits)} to ${max.toFixed(digits)})`
