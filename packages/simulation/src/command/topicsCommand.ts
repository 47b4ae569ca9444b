/** The part of `sim` for files of whole-topic scenarios. */
import { CommandFailed, UsageError } from "@topic-tracker/cli-kit"
import { Console, Effect, Option, Result } from "effect"
import { reportHtml } from "../report/html.ts"
import { summarizeTopics, topicTable } from "../report/topicSummary.ts"
import { makeProgress } from "../run/progress.ts"
import { runTopicScenarios, type SeededScenario } from "../run/runTopicScenarios.ts"
import { readTopicScenarios } from "../scenario/readTopicScenarios.ts"
import { topicLabel } from "../scenario/TopicScenario.ts"
import { CutRuns } from "./CutRuns.ts"
import { repeatHint, withNameContaining, writeOutput } from "./selection.ts"
import { runSocketsCommand } from "./socketsCommand.ts"

export interface TopicsCommandOptions {
  readonly files: ReadonlyArray<{ readonly name: string; readonly text: string }>
  /** The file or folder as the user gave it. */
  readonly config: string
  readonly filter: Option.Option<string>
  readonly seed: Option.Option<string>
  readonly json: boolean
  /** The file for the event log. */
  readonly log: Option.Option<string>
  /** The file for the report. */
  readonly report: Option.Option<string>
  /** True: an expectation that figures three times worse would meet too is a failure. */
  readonly tight: boolean
  /** True: run over real packets too and compare the figures. */
  readonly sockets: boolean
}

/** Fails if a run does not meet its scenario's expectations, and prints the commands that repeat such runs. */
export const runTopicsCommand = Effect.fnUntraced(function* (options: TopicsCommandOptions) {
  const { config, filter, json, log, report, sockets } = options
  const all: Array<SeededScenario & { readonly socketSeeds: ReadonlyArray<bigint> }> = []
  for (const { name, text } of options.files) {
    const read = readTopicScenarios(text, name)
    if (Result.isFailure(read)) return yield* new UsageError({ message: `--config: ${read.failure.message}` })
    const { scenarios, ...given } = read.success
    const { seeds, socketSeeds } = Option.match(options.seed, {
      onNone: () => given,
      onSome: (one) => ({ seeds: [BigInt(one)], socketSeeds: [BigInt(one)] }),
    })
    all.push(...scenarios.map((scenario) => ({ scenario, seeds, socketSeeds })))
  }
  const chosen = yield* withNameContaining(all, ({ scenario }) => topicLabel(scenario), filter)
  if (sockets) {
    if (Option.isSome(report)) return yield* new UsageError({ message: "--report: not with --sockets" })
    return yield* runSocketsCommand({ scenarios: chosen, config, json, log })
  }
  const count = chosen.reduce((sum, { seeds }) => sum + seeds.length, 0)
  if (Option.isSome(log) && count !== 1) {
    const message = `--log: there are ${count} runs; choose one with --filter and --seed`
    return yield* new UsageError({ message })
  }
  const progress = makeProgress()
  const cut = new CutRuns(chosen)
  const results = yield* runTopicScenarios(chosen, {
    withLogs: Option.isSome(log),
    onProgress: progress.update,
    onRun: cut.onRun,
    onSoFar: cut.onSoFar,
  }).pipe(
    Effect.ensuring(Effect.sync(progress.clear)),
    Effect.onInterrupt(() =>
      Console.log(json ? JSON.stringify({ ended: cut.summaries(), under_way: cut.underWay() }, null, 2) : cut.text()),
    ),
    Effect.mapError(({ message, scenario, seed }) => {
      const hint = repeatHint({ config, filter: scenario, seed })
      return new CommandFailed({ message: `${scenario} with seed ${seed}: ${message}\n${hint}` })
    }),
  )
  const summaries = results.map(summarizeTopics)
  if (Option.isSome(log)) yield* writeOutput("--log", log.value, results[0]!.logs[0]!)
  if (Option.isSome(report)) yield* writeOutput("--report", report.value, reportHtml(summaries))
  yield* Console.log(json ? JSON.stringify(summaries, null, 2) : topicTable(summaries))
  const unmet = summaries.flatMap(({ name, unmet }) =>
    unmet.map(
      ({ message, seed }) => `${name} with seed ${seed}: ${message}\n${repeatHint({ config, filter: name, seed })}`,
    ),
  )
  if (options.tight)
    unmet.push(...summaries.flatMap(({ loose, name }) => loose.map((message) => `${name}: ${message}`)))
  if (unmet.length > 0) return yield* new CommandFailed({ message: unmet.join("\n") })
})
