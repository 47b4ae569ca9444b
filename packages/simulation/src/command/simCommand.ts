/** The command `sim`: reads scenario files and passes them on, to whole topics or to the gossip protocol alone. */
import { readdir, readFile, stat } from "node:fs/promises"
import { join } from "node:path"
import { UsageError, withExamples } from "@topic-tracker/cli-kit"
import { Effect, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { isTopics } from "../scenario/readTopicScenarios.ts"
import { runGossipCommand } from "./gossipCommand.ts"
import { runMainlineCommand } from "./mainlineCommand.ts"
import { runTopicsCommand } from "./topicsCommand.ts"

const flags = {
  config: Flag.String("config").pipe(
    Flag.withDescription(
      "A TOML file of scenarios: of whole topics (or a folder of such files), or a file of iroh-gossip's simulations/*.toml",
    ),
    Flag.optional,
  ),
  mainline: Flag.Literals("mainline", ["easy", "real", "hard"]).pipe(
    Flag.withDescription(
      "Without --config: measure lookups, puts and joins of two nodes on the mainline DHT of this preset",
    ),
    Flag.optional,
  ),
  samples: Flag.Int("samples").pipe(
    Flag.withDescription("With --mainline: samples of each figure (default: 60)"),
    Flag.withDefault(60),
  ),
  filter: Flag.String("filter").pipe(
    Flag.withDescription("Only scenarios whose name contains this text, such as n100 or GossipAll"),
    Flag.optional,
  ),
  seed: Flag.String("seed").pipe(
    Flag.withSchema(
      Schema.String.check(
        Schema.makeFilter((text) => /^\d{1,19}$/.test(text) && BigInt(text) < 2n ** 63n, {
          expected: "a seed, 0 to 2^63 - 1",
        }),
      ),
    ),
    Flag.withDescription("Only this seed, instead of the seeds in the file"),
    Flag.optional,
  ),
  json: Flag.Boolean("json").pipe(
    Flag.withDescription("Print an array of results as JSON and nothing else"),
    Flag.withDefault(false),
  ),
  log: Flag.String("log").pipe(
    Flag.withDescription("Whole topics, one run: write its event log to this file"),
    Flag.optional,
  ),
  report: Flag.String("report").pipe(
    Flag.withDescription("Whole topics: write a report with charts to this file, one self-contained HTML page"),
    Flag.optional,
  ),
  tight: Flag.Boolean("tight").pipe(
    Flag.withDescription("Whole topics: fail too if an expectation would be met by a figure three times worse"),
    Flag.withDefault(false),
  ),
  sockets: Flag.Boolean("sockets").pipe(
    Flag.withDescription(
      "Whole topics: run them over real packets too, in network namespaces (Linux), and compare the figures",
    ),
    Flag.withDefault(false),
  ),
}

/** The file, or all files of the folder. */
const readFiles = async (config: string) => {
  const isFolder = (await stat(config)).isDirectory()
  const inFolder = isFolder ? (await readdir(config)).filter((name) => name.endsWith(".toml")).sort() : []
  const names = isFolder ? inFolder.map((name) => join(config, name)) : [config]
  if (names.length === 0) throw new Error(`there is no .toml file in ${config}`)
  return Promise.all(names.map(async (name) => ({ name, text: await readFile(name, "utf8") })))
}

export const simCommand = Command.make(
  "sim",
  flags,
  Effect.fn("sim")(function* (given) {
    const { filter, json, log, mainline, report, samples, seed, sockets } = given
    if (Option.isSome(mainline) === Option.isSome(given.config)) {
      return yield* new UsageError({ message: "--config: give either --config FILE or --mainline PRESET" })
    }
    if (Option.isSome(mainline)) return yield* runMainlineCommand({ preset: mainline.value, samples, seed, json })
    const config = Option.getOrThrow(given.config)
    const options = { ...given, config }
    const files = yield* Effect.tryPromise({
      try: () => readFiles(config),
      catch: (cause) => new UsageError({ message: `--config: ${cause instanceof Error ? cause.message : cause}` }),
    })
    if (files.every(({ text }) => isTopics(text))) return yield* runTopicsCommand({ ...options, files })
    if (Option.isSome(log)) return yield* new UsageError({ message: "--log: only runs of whole topics have one" })
    if (Option.isSome(report)) return yield* new UsageError({ message: "--report: only whole topics have one" })
    if (sockets) return yield* new UsageError({ message: "--sockets: only whole topics run over real packets" })
    const [file, another] = files
    if (another !== undefined) {
      return yield* new UsageError({ message: "--config: a folder is for files of whole topics; give one file" })
    }
    yield* runGossipCommand({ text: file!.text, config, filter, seed, json })
  }),
).pipe(
  Command.withDescription("Run simulated swarms and report their figures."),
  Command.withShortDescription("Run simulated swarms, and report their figures"),
  withExamples(
    ["--config scenario.toml --report report.html", "A scenario file, with a page of charts"],
    ["--mainline real", "Lookups and joins on a model of the public DHT"],
  ),
)
