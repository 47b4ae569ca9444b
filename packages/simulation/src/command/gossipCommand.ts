/** The part of `sim` for a file of gossip scenarios. */
import { CommandFailed, UsageError } from "@topic-tracker/cli-kit"
import { Console, Effect, Option, Result } from "effect"
import { gossipTable, summarizeGossip } from "../report/gossipSummary.ts"
import { makeProgress } from "../run/progress.ts"
import { runGossipScenarios } from "../run/runGossipScenarios.ts"
import { gossipLabel } from "../scenario/GossipScenario.ts"
import { readGossipScenarios } from "../scenario/readGossipScenarios.ts"
import { repeatHint, withNameContaining } from "./selection.ts"

export interface GossipCommandOptions {
  readonly text: string
  /** The file as the user gave it. */
  readonly config: string
  readonly filter: Option.Option<string>
  readonly seed: Option.Option<string>
  readonly json: boolean
}

export const runGossipCommand = Effect.fnUntraced(function* (options: GossipCommandOptions) {
  const { config, filter, json, seed, text } = options
  const read = readGossipScenarios(text, config)
  if (Result.isFailure(read)) return yield* new UsageError({ message: `--config: ${read.failure.message}` })
  const seeds = Option.match(seed, { onNone: () => read.success.seeds, onSome: (one) => [BigInt(one)] })
  const chosen = yield* withNameContaining(read.success.scenarios, gossipLabel, filter)
  const progress = makeProgress()
  const results = yield* runGossipScenarios(chosen, seeds, { onProgress: progress.update }).pipe(
    Effect.ensuring(Effect.sync(progress.clear)),
    Effect.mapError(({ message, scenario, seed }) => {
      const hint = repeatHint({ config, filter: scenario, seed })
      return new CommandFailed({ message: `${scenario} with seed ${seed}: ${message}\n${hint}` })
    }),
  )
  const summaries = results.map(summarizeGossip)
  yield* Console.log(json ? JSON.stringify(summaries, null, 2) : gossipTable(summaries))
})
