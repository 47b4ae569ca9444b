/** The results as files for the documentation: a table, the JSON and a chart, all in one go. */

import { BarChart } from "echarts/charts"
import { GridComponent, TitleComponent } from "echarts/components"
import { init, use } from "echarts/core"
import { SVGRenderer } from "echarts/renderers"
import { Effect, FileSystem, Schema } from "effect"
import type { Result } from "./Benchmark.ts"
import { describe, type Machine } from "./machine.ts"
import * as Table from "./table.ts"

use([BarChart, GridComponent, TitleComponent, SVGRenderer])

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

const title = "Ours compared with others in the same run; right of 1, ours is better"

/** How ours stands to each peer, as bars on a logarithmic axis: to the right of 1 ours is better. */
export const chart = (results: ReadonlyArray<Result>): string => {
  const bars = results.flatMap((result) =>
    Object.entries(result.peers)
      .map(([peer, value]) => ({ name: `${result.name} / ${peer}`, ratio: Table.ratio(result, value) }))
      .filter(({ ratio }) => Number.isFinite(ratio) && ratio > 0),
  )
  const height = 80 + bars.length * 20
  const drawing = init(null, null, { renderer: "svg", ssr: true, width: 1000, height })
  drawing.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    title: { text: title, left: 10, top: 8 },
    grid: { left: 470, right: 70, top: 50, bottom: 30 },
    xAxis: { type: "log", axisLabel: { formatter: "×{value}" } },
    yAxis: {
      type: "category",
      inverse: true,
      data: bars.map(({ name }) => name),
      axisLabel: { fontSize: 11, interval: 0 },
    },
    series: [
      {
        type: "bar",
        barWidth: 12,
        data: bars.map(({ ratio }) => ({
          value: Number(ratio.toPrecision(3)),
          itemStyle: { color: ratio >= 1 ? "#2f7d5b" : "#c26a2e" },
        })),
        label: { show: true, position: "right", formatter: "×{c}", fontSize: 10 },
      },
    ],
  })
  const svg = drawing.renderToSVGString()
  drawing.dispose()
  // A picture that is looked at needs a name and no styles for a mouse.
  return svg.replace(/<style[\s\S]*?<\/style>\n?/, "").replace(/(<svg[^>]*>)/, `$1\n<title>${title}</title>`)
}

const page = (results: ReadonlyArray<Result>, machine: Machine): string => `# Benchmarks

Written by \`npm run bench -- --report\`. [packages/bench](../../packages/bench/README.md) says how each figure is measured, and
[performance](../performance.md) what it means. Figures of different runs are not comparable; ratios within one run are.

${describe(machine)}.

![ratios of ours to others](ratios.svg)

${Table.markdown(results)}
`

/** What an earlier run left; nothing when there is none that can be read. */
const earlier = Effect.gen(function* () {
  const text = yield* (yield* FileSystem.FileSystem).readFileString(`${directory}results.json`)
  return (yield* Schema.decodeUnknownEffect(Schema.fromJsonString(Stored))(text)).results
}).pipe(Effect.orElseSucceed((): ReadonlyArray<Result> => []))

/** Writes the results; those of benchmarks that were not run this time stay as they were. */
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
