/** `npm run -s sim`: simulations from a configuration file. */
import { readdir, readFile, stat } from "node:fs/promises"
import { join } from "node:path"
import { CommandFailed, runCommand, UsageError } from "@topic-tracker/cli-kit"
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
  Flag.withDescription(
    "A TOML file of scenarios: of whole topics (or a folder of such), or in the form of iroh-gossip's simulations/*.toml",
  ),
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

const report = Flag.String("report").pipe(
  Flag.withDescription(
    "Write a report with charts, of whole topics, to this file: one HTML page that needs nothing else",
  ),
  Flag.optional,
)

const sockets = Flag.Boolean("sockets").pipe(
  Flag.withDescription(
    "Run whole topics over real packets too, in network namespaces of their own (Linux), and compare both",
  ),
  Flag.withDefault(false),
)

/** The file, or the files of the folder. */
const readFiles = async (config: string) => {
  const isFolder = (await stat(config)).isDirectory()
  const inFolder = isFolder ? (await readdir(config)).filter((name) => name.endsWith(".toml")).sort() : []
  const names = isFolder ? inFolder.map((name) => join(config, name)) : [config]
  if (names.length === 0) throw new Error(`there is no .toml file in ${config}`)
  return Promise.all(names.map(async (name) => ({ name, text: await readFile(name, "utf8") })))
}

const sim = Command.make(
  "sim",
  { config, filter, seed, json, log, report, sockets },
  Effect.fn("sim")(function* ({ config, filter, json, log, report, seed, sockets }) {
    const files = yield* Effect.tryPromise({
      try: () => readFiles(config),
      catch: (cause) => new UsageError({ message: `--config: ${cause instanceof Error ? cause.message : cause}` }),
    })
    if (files.every(({ text }) => isTopics(text))) {
      return yield* topicsCommand({ files, config, filter, seed, json, log, report, sockets })
    }
    if (Option.isSome(log)) return yield* new UsageError({ message: "--log: only runs of whole topics have one" })
    if (Option.isSome(report)) return yield* new UsageError({ message: "--report: only whole topics have one" })
    if (sockets) return yield* new UsageError({ message: "--sockets: only whole topics run over real packets" })
    const [file, another] = files
    if (another !== undefined) {
      return yield* new UsageError({ message: "--config: a folder is for files of whole topics; give one file" })
    }
    const read = readConfig(file!.text, config)
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
