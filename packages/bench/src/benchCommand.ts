/** The command `bench`: measures on loopback and prints the figures as a table or as JSON. */
import { CommandFailed } from "@topic-tracker/cli-kit"
import { Console, Effect } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { benchmarks } from "./benchmarks/index.ts"
import type { Extent, Result } from "./harness/Benchmark.ts"
import * as Baseline from "./harness/baseline.ts"
import { describe, machine } from "./harness/machine.ts"
import * as Programs from "./harness/programs.ts"
import * as Report from "./harness/report.ts"
import * as Table from "./harness/table.ts"

const names = benchmarks.map(({ name }) => name)

const WHOLE: Extent = { rounds: 5, seconds: 1, idleSeconds: 30, pairs: 10, topics: [1, 10, 100, 500], nodes: [10, 100] }
const QUICK: Extent = { rounds: 3, seconds: 0.5, idleSeconds: 5, pairs: 2, topics: [1, 10], nodes: [10] }

/** Long enough for a figure of some percent on a machine that does other work too. */
const LONG_PAIRS = 60

const flag = (name: string, description: string) =>
  Flag.Boolean(name).pipe(Flag.withDescription(description), Flag.withDefault(false))

export const benchCommand = Command.make(
  "bench",
  {
    names: Argument.Literals("NAME", names).pipe(
      Argument.withDescription("The benchmarks to run (default: all)"),
      Argument.variadic(),
    ),
    json: flag("json", "Print the results as a JSON array and nothing else"),
    quick: flag("quick", "Few and short samples: a test that everything runs, without meaningful figures"),
    long: flag("long", "Six times as many turns of the ways that are compared (peers)"),
    baseline: flag("baseline", "Compare the ratios with the stored baseline; exit code 1 if one is worse"),
    saveBaseline: flag("save-baseline", "Store the ratios of this run as the baseline"),
    report: flag("report", "Write the table, the JSON and the chart into docs/benchmarks"),
  },
  Effect.fn("bench")(function* ({ names, json, quick: isQuick, long: isLong, baseline, saveBaseline, report }) {
    const here = machine()
    const reportLine = (line: string) => Console.error(line)
    yield* reportLine(describe(here))
    yield* Programs.build
    const extent = { ...(isQuick ? QUICK : WHOLE), ...(isLong ? { pairs: LONG_PAIRS } : {}) }
    const results: Array<Result> = []
    for (const benchmark of benchmarks) {
      if (names.length > 0 && !names.includes(benchmark.name)) continue
      yield* reportLine(`${benchmark.name}: ${benchmark.about}`)
      results.push(...(yield* benchmark.run({ ...extent, report: reportLine })))
    }
    yield* Console.log(json ? JSON.stringify(results, undefined, 2) : Table.text(results))
    if (report) yield* Report.write(results, here)
    if (saveBaseline) yield* Baseline.save(results)
    if (!baseline) return
    const worse = Baseline.worse(yield* Baseline.load, Baseline.ratiosOf(results))
    if (worse.length > 0) return yield* new CommandFailed({ message: `worse than the baseline: ${worse.join("; ")}` })
    yield* reportLine("no ratio is worse than the baseline")
  }),
).pipe(
  Command.withDescription(
    `Benchmarks on loopback, compared with other programs where they are installed: ${names.join(", ")}. All of them take some 20 minutes and use the whole machine.`,
  ),
)
