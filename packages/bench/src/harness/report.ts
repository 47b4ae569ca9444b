/** Writes the results into docs/benchmarks: a page with a table, the JSON and a chart. */
import { Effect, FileSystem, Schema } from "effect"
import type { Result } from "./Benchmark.ts"
import { chart } from "./chart.ts"
import { describe, type Machine } from "./machine.ts"
import * as Table from "./table.ts"

const directory = new URL("../../../../docs/benchmarks/", import.meta.url).pathname

const Stored = Schema.Struct({
  results: Schema.Array(
    Schema.Struct({
      name: Schema.String,
      value: Schema.Finite,
      unit: Schema.String,
      better: Schema.Literals(["higher", "lower"]),
      peers: Schema.Record(Schema.String, Schema.Finite),
      min: Schema.Finite,
      max: Schema.Finite,
      samples: Schema.Int,
    }),
  ),
})

const page = (results: ReadonlyArray<Result>, machine: Machine): string => `# Benchmarks

Written by \`npm run bench -- --report\`. [packages/bench](../../packages/bench/README.md) describes how each figure is measured, and
[performance](../performance.md) what it means. Figures of different runs are not comparable; ratios within one run are.

${describe(machine)}.

![ratios of ours to others](ratios.svg)

${Table.markdown(results)}
`

/** The results of earlier runs; none if the file cannot be read. */
const earlier = Effect.gen(function* () {
  const text = yield* (yield* FileSystem.FileSystem).readFileString(`${directory}results.json`)
  return (yield* Schema.decodeUnknownEffect(Schema.fromJsonString(Stored))(text)).results
}).pipe(Effect.orElseSucceed((): ReadonlyArray<Result> => []))

/** Writes the results. The results of benchmarks that were not run this time stay. */
export const write = Effect.fnUntraced(function* (results: ReadonlyArray<Result>, machine: Machine) {
  const groupOf = ({ name }: Result) => name.split("/")[0]
  const run = new Set(results.map(groupOf))
  const all = [...(yield* earlier).filter((result) => !run.has(groupOf(result))), ...results].sort((a, b) =>
    (groupOf(a) ?? "").localeCompare(groupOf(b) ?? ""),
  )
  const files = yield* FileSystem.FileSystem
  yield* files.makeDirectory(directory, { recursive: true })
  yield* files.writeFileString(
    `${directory}results.json`,
    `${JSON.stringify({ machine, results: all }, undefined, 2)}\n`,
  )
  yield* files.writeFileString(`${directory}ratios.svg`, chart(all))
  yield* files.writeFileString(`${directory}README.md`, page(all, machine))
})
