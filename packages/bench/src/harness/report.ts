/** The results as files for the documentation: a table, the JSON and a chart, all in one go. */

import { BarChart } from "echarts/charts"
import { GridComponent, TitleComponent } from "echarts/components"
import { init, use } from "echarts/core"
import { SVGRenderer } from "echarts/renderers"
import { Effect, FileSystem } from "effect"
import type { Result } from "./Benchmark.ts"
import { describe, type Machine } from "./machine.ts"
import * as Table from "./table.ts"

use([BarChart, GridComponent, TitleComponent, SVGRenderer])

const directory = new URL("../../../../docs/benchmarks/", import.meta.url).pathname

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
    title: { text: "Ours beside others in the same run; right of 1, ours is better", left: 10, top: 8 },
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
  return svg
}

const page = (results: ReadonlyArray<Result>, machine: Machine): string => `# Benchmarks

Written by \`npm run bench -- --report\`; what the figures mean and how they came about is in [performance](../performance.md).

${describe(machine)}.

![how ours stands to others](ratios.svg)

${Table.markdown(results)}
`

export const write = Effect.fnUntraced(function* (results: ReadonlyArray<Result>, machine: Machine) {
  const files = yield* FileSystem.FileSystem
  yield* files.makeDirectory(directory, { recursive: true })
  yield* files.writeFileString(`${directory}results.json`, `${JSON.stringify({ machine, results }, undefined, 2)}\n`)
  yield* files.writeFileString(`${directory}ratios.svg`, chart(results))
  yield* files.writeFileString(`${directory}README.md`, page(results, machine))
})
