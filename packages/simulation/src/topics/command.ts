/** The part of `npm run -s sim` for files of whole topics, and folders of such files. */
import { writeFile } from "node:fs/promises"
import { CommandFailed, UsageError } from "@topic-tracker/cli-kit"
import { Console, Effect, Option, Result } from "effect"
import { reportHtml } from "../report/html.ts"
import { progressLine } from "../run/progress.ts"
import { socketsCommand } from "../sockets/command.ts"
import { readTopics } from "./readTopics.ts"
import { runAllTopics, type SeededScenario } from "./runAllTopics.ts"
import { labelOf } from "./TopicScenario.ts"
import { summarizeTopics, topicTable } from "./topicSummary.ts"

export interface TopicsCommand {
  readonly files: ReadonlyArray<{ readonly name: string; readonly text: string }>
  /** The file, or the folder of files, as it was given. */
  readonly config: string
  readonly filter: Option.Option<string>
  readonly seed: Option.Option<string>
  readonly json: boolean
  /** Where the event log goes. */
  readonly log: Option.Option<string>
  /** Where the report goes. */
  readonly report: Option.Option<string>
  /** Over real packets too, and both compared. */
  readonly sockets: boolean
}

/** Fails when a run did not come out as its scenario says, with the commands that repeat such runs. */
export const topicsCommand = Effect.fnUntraced(function* (options: TopicsCommand) {
  const { config, filter, json, log, report, sockets } = options
  const all: Array<SeededScenario & { readonly socketSeeds: ReadonlyArray<bigint> }> = []
  for (const { name, text } of options.files) {
    const read = readTopics(text, name)
    if (Result.isFailure(read)) return yield* new UsageError({ message: `--config: ${read.failure.message}` })
    const { scenarios, ...given } = read.success
    const { seeds, socketSeeds } = Option.match(options.seed, {
      onNone: () => given,
      onSome: (one) => ({ seeds: [BigInt(one)], socketSeeds: [BigInt(one)] }),
    })
    all.push(...scenarios.map((scenario) => ({ scenario, seeds, socketSeeds })))
  }
  const wanted = Option.getOrElse(filter, () => "")
  const chosen = all.filter(({ scenario }) => labelOf(scenario).includes(wanted))
  if (chosen.length === 0) {
    const names = all.map(({ scenario }) => labelOf(scenario)).join(", ")
    return yield* new UsageError({ message: `--filter: "${wanted}" is in no scenario's name; there are ${names}` })
  }
  if (sockets) {
    if (Option.isSome(report)) return yield* new UsageError({ message: "--report: not with --sockets" })
    return yield* socketsCommand({ scenarios: chosen, config, json, log })
  }
  const count = chosen.reduce((sum, { seeds }) => sum + seeds.length, 0)
  if (Option.isSome(log) && count !== 1) {
    const message = `--log: there are ${count} runs; choose one with --filter and --seed`
    return yield* new UsageError({ message })
  }
  const repeat = (name: string, seed: number | bigint) =>
    `npm run -s sim -- --config ${config} --filter '${name}' --seed ${seed}`
  const progress = progressLine()
  const results = yield* runAllTopics(chosen, {
    withLogs: Option.isSome(log),
    onProgress: progress.update,
  }).pipe(
    Effect.ensuring(Effect.sync(progress.clear)),
    Effect.mapError(({ message, scenario, seed }) => {
      const text = `${scenario} with seed ${seed}: ${message}\nrepeat: ${repeat(scenario, seed)}`
      return new CommandFailed({ message: text })
    }),
  )
  const summaries = results.map(summarizeTopics)
  if (Option.isSome(log)) yield* write("--log", log.value, results[0]!.logs[0]!)
  if (Option.isSome(report)) yield* write("--report", report.value, reportHtml(summaries))
  yield* Console.log(json ? JSON.stringify(summaries, null, 2) : topicTable(summaries))
  const unmet = summaries.flatMap(({ name, unmet }) =>
    unmet.map(({ message, seed }) => `${name} with seed ${seed}: ${message}\nrepeat: ${repeat(name, seed)}`),
  )
  if (unmet.length > 0) return yield* new CommandFailed({ message: unmet.join("\n") })
})

const write = (flag: string, file: string, text: string) =>
  Effect.tryPromise({
    try: () => writeFile(file, text),
    catch: (cause) => new UsageError({ message: `${flag}: ${cause instanceof Error ? cause.message : cause}` }),
  })
