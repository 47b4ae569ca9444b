/** `npm run -s sim`: simulations from a configuration file. */
import { readFile } from "node:fs/promises"
import { CommandFailed, runCommand, UsageError } from "@topic-tracker/cli"
import { Console, Effect, Option, Result, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { readConfig } from "./config/readConfig.ts"
import { label } from "./gossip/Scenario.ts"
import { progressLine } from "./run/progress.ts"
import { runAll } from "./run/runAll.ts"
import { summarize } from "./run/summary.ts"
import { table } from "./run/table.ts"
import { topicsCommand } from "./topics/command.ts"
import { isTopics } from "./topics/readTopics.ts"

const config = Flag.String("config").pipe(
  Flag.withDescription("A TOML file of scenarios: of whole topics, or in the form of iroh-gossip's simulations/*.toml"),
)
const filter = Flag.String("filter").pipe(
  Flag.withDescription("Only scenarios whose name contains this text, such as n100 or GossipAll"),
  Flag.optional,
)
const seed = Flag.String("seed").pipe(
  Flag.withSchema(
    Schema.String.check(
      Schema.makeFilter((text) => /^\d{1,19}$/.test(text) && BigInt(text) < 2n ** 63n, {
        expected: "a seed, 0 to 2^63 - 1",
      }),
    ),
  ),
  Flag.withDescription("Only this seed, in the place of the file's"),
  Flag.optional,
)
const json = Flag.Boolean("json").pipe(
  Flag.withDescription("Print an array of results as JSON and nothing else"),
  Flag.withDefault(false),
)

const log = Flag.String("log").pipe(
  Flag.withDescription("Write the event log of the one run, of whole topics, to this file"),
  Flag.optional,
)

const sim = Command.make(
  "sim",
  { config, filter, seed, json, log },
  Effect.fn("sim")(function* ({ config, filter, json, log, seed }) {
    const text = yield* Effect.tryPromise({
      try: () => readFile(config, "utf8"),
      catch: (cause) => new UsageError({ message: `--config: ${cause instanceof Error ? cause.message : cause}` }),
    })
    if (isTopics(text)) return yield* topicsCommand({ text, config, filter, seed, json, log })
    if (Option.isSome(log)) return yield* new UsageError({ message: "--log: only runs of whole topics have one" })
    const read = readConfig(text, config)
    if (Result.isFailure(read)) return yield* new UsageError({ message: `--config: ${read.failure.message}` })
    const { scenarios } = read.success
    const seeds = Option.match(seed, { onNone: () => read.success.seeds, onSome: (text) => [BigInt(text)] })
    const wanted = Option.getOrElse(filter, () => "")
    const chosen = scenarios.filter((scenario) => label(scenario).includes(wanted))
    if (chosen.length === 0) {
      const names = scenarios.map(label).join(", ")
      return yield* new UsageError({ message: `--filter: "${wanted}" is in no scenario's name; there are ${names}` })
    }
    const progress = progressLine()
    const results = yield* runAll(chosen, seeds, { onProgress: progress.update }).pipe(
      Effect.ensuring(Effect.sync(progress.clear)),
      Effect.mapError(({ message, scenario, seed }) => {
        const repeat = `npm run -s sim -- --config ${config} --filter ${scenario} --seed ${seed}`
        return new CommandFailed({ message: `${scenario} with seed ${seed}: ${message}\nrepeat: ${repeat}` })
      }),
    )
    const summaries = results.map(summarize)
    yield* Console.log(json ? JSON.stringify(summaries, null, 2) : table(summaries))
  }),
).pipe(Command.withDescription("Run simulated swarms and report what each round of broadcasts took."))

runCommand(sim)
