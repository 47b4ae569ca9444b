/** What a worker thread is given and what it gives back: plain data. */
import type { RunResult } from "../gossip/runScenario.ts"
import type { Scenario } from "../gossip/Scenario.ts"

/** One scenario with one seed. */
export interface Work {
  readonly scenario: Scenario
  readonly seed: bigint
}

export interface WorkDone {
  readonly run: RunResult
  readonly wallMs: number
}
