/** The part of `npm run -s sim` for files of whole topics. */
import { writeFile } from "node:fs/promises"
import { CommandFailed, UsageError } from "@topic-tracker/cli"
import { Console, Effect, Option, Result } from "effect"
import { progressLine } from "../run/progress.ts"
import { readTopics } from "./readTopics.ts"
import { runAllTopics } from "./runAllTopics.ts"
import { labelOf } from "./TopicScenario.ts"
import { summarizeTopics, topicTable } from "./topicSummary.ts"

export interface TopicsCommand {
  readonly text: string
  /** The file's name, as it was given. */
  readonly config: string
  readonly filter: Option.Option<string>
  readonly seed: Option.Option<string>
  readonly json: boolean
  /** Where the event log goes. */
  readonly log: Option.Option<string>
}

/** Fails when a run did not come out as its scenario says, with the commands that repeat such runs. */
export const topicsCommand = Effect.fnUntraced(function* ({ config, filter, json, log, seed, text }: TopicsCommand) {
  const read = readTopics(text, config)
  if (Result.isFailure(read)) return yield* new UsageError({ message: `--config: ${read.failure.message}` })
  const wanted = Option.getOrElse(filter, () => "")
  const scenarios = read.success.scenarios.filter((scenario) => labelOf(scenario).includes(wanted))
  const seeds = Option.match(seed, { onNone: () => read.success.seeds, onSome: (one) => [BigInt(one)] })
  if (scenarios.length === 0) {
    const names = read.success.scenarios.map(labelOf).join(", ")
    return yield* new UsageError({ message: `--filter: "${wanted}" is in no scenario's name; there are ${names}` })
  }
  if (Option.isSome(log) && scenarios.length * seeds.length !== 1) {
    const message = `--log: there are ${scenarios.length * seeds.length} runs; choose one with --filter and --seed`
    return yield* new UsageError({ message })
  }
  const repeat = (name: string, seed: number | bigint) =>
    `npm run -s sim -- --config ${config} --filter '${name}' --seed ${seed}`
  const progress = progressLine()
  const results = yield* runAllTopics(scenarios, seeds, {
    withLogs: Option.isSome(log),
    onProgress: progress.update,
  }).pipe(
    Effect.ensuring(Effect.sync(progress.clear)),
    Effect.mapError(({ message, scenario, seed }) => {
      const text = `${scenario} with seed ${seed}: ${message}\nrepeat: ${repeat(scenario, seed)}`
      return new CommandFailed({ message: text })
    }),
  )
  if (Option.isSome(log)) {
    yield* Effect.tryPromise({
      try: () => writeFile(log.value, results[0]!.logs[0]!),
      catch: (cause) => new UsageError({ message: `--log: ${cause instanceof Error ? cause.message : cause}` }),
    })
  }
  const summaries = results.map(summarizeTopics)
  yield* Console.log(json ? JSON.stringify(summaries, null, 2) : topicTable(summaries))
  const unmet = summaries.flatMap(({ name, unmet }) =>
    unmet.map(({ message, seed }) => `${name} with seed ${seed}: ${message}\nrepeat: ${repeat(name, seed)}`),
  )
  if (unmet.length > 0) return yield* new CommandFailed({ message: unmet.join("\n") })
})
