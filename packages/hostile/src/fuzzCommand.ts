/** The command `fuzz`: property-based and mutation fuzzing of every decoder of bytes from the network. */
import { availableParallelism } from "node:os"
import { CommandFailed, textTable, UsageError } from "@topic-tracker/cli-kit"
import { integer } from "@topic-tracker/cli-kit/flags"
import { Console, Effect } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { addToCorpus } from "./fuzz/corpus.ts"
import { decoders } from "./fuzz/decoders.ts"
import { runFuzz } from "./fuzz/runFuzz.ts"

const WIDTH = 60

export const fuzzCommand = Command.make(
  "fuzz",
  {
    names: Argument.String("decoder").pipe(
      Argument.withDescription(`Only these decoders: ${decoders.map(({ name }) => name).join(", ")}`),
      Argument.variadic(),
    ),
    cases: integer("cases", "Inputs for each decoder (default 1,000,000)", 1, 1_000_000_000).pipe(
      Flag.withDefault(1_000_000),
    ),
    seed: integer("seed", "The seed from which all inputs follow (default: the time)", 0, Number.MAX_SAFE_INTEGER).pipe(
      Flag.optional,
    ),
    save: Flag.Boolean("save").pipe(
      Flag.withDescription("Add inputs that did something new to the saved corpus"),
      Flag.withDefault(false),
    ),
  },
  Effect.fn("fuzz")(function* ({ cases, names, save, seed }) {
    const unknown = names.find((name) => decoders.every((decoder) => decoder.name !== name))
    if (unknown !== undefined) {
      const known = decoders.map(({ name }) => name).join(", ")
      return yield* new UsageError({ message: `decoder: there is no ${unknown}; there are ${known}` })
    }
    const chosen = decoders.filter(({ name }) => names.length === 0 || names.includes(name))
    const start = seed._tag === "Some" ? seed.value : Date.now() % 1_000_000_000
    yield* Console.error(`seed ${start}`)
    const results = yield* Effect.forEach(
      chosen,
      Effect.fnUntraced(function* ({ about, name }) {
        const result = yield* runFuzz({ decoder: name, cases, seed: start })
        yield* Console.error(`${name}: ${about} (${result.seconds.toFixed(0)} s)`)
        for (const { input, what } of result.findings) yield* Console.error(`  ${what}\n  ${input}`)
        if (save) yield* Console.error(`  ${addToCorpus(name, result.interesting)} inputs added to the corpus`)
        return result
      }),
      { concurrency: availableParallelism() },
    )
    const rows = results.map(({ cases, decoder, findings, kinds, slowestMs, values }) => [
      decoder,
      cases.toLocaleString("en"),
      `${((100 * values) / cases).toFixed(0)} %`,
      String(kinds),
      `${slowestMs.toFixed(1)}`,
      String(findings.length),
    ])
    yield* Console.log(textTable(["decoder", "cases", "valid", "kinds", "ms", "found"], rows, { width: WIDTH }))
    const found = results.reduce((sum, { findings }) => sum + findings.length, 0)
    if (found > 0) return yield* new CommandFailed({ message: `${found} findings; repeat them with --seed ${start}` })
  }),
).pipe(
  Command.withDescription(
    "Fuzz every decoder of bytes from the network. Exit code 0 only if none throws, hangs or changes a value in a round trip.",
  ),
)
