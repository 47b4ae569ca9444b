/** What a worker thread is given and what it gives back: plain data. */
import type { RunResult } from "../gossip/runScenario.ts"
import type { Scenario } from "../gossip/Scenario.ts"

/** One scenario with one seed. `index` names it among all. */
export interface Work {
  readonly index: number
  readonly scenario: Scenario
  readonly seed: bigint
}

export type Done =
  | { readonly _tag: "Done"; readonly index: number; readonly result: RunResult; readonly wallMs: number }
  | { readonly _tag: "Failed"; readonly index: number; readonly message: string }
