/** The chart of a report: how ours compares with each peer, as an SVG. */
import { BarChart } from "echarts/charts"
import { GridComponent, TitleComponent } from "echarts/components"
import { init, use } from "echarts/core"
import { SVGRenderer } from "echarts/renderers"
import type { Result } from "./Benchmark.ts"
import { ratio as ratioOf } from "./table.ts"

use([BarChart, GridComponent, TitleComponent, SVGRenderer])

const TITLE = "Ours compared with others in the same run; right of 1, ours is better"

/** One bar for each result and peer, on a logarithmic axis: right of 1 ours is better. */
export const chart = (results: ReadonlyArray<Result>): string => {
  const bars = results.flatMap((result) =>
    Object.entries(result.peers)
      .map(([peer, value]) => ({ name: `${result.name} / ${peer}`, ratio: ratioOf(result, value) }))
      .filter(({ ratio }) => Number.isFinite(ratio) && ratio > 0),
  )
  const height = 80 + bars.length * 20
  const drawing = init(null, null, { renderer: "svg", ssr: true, width: 1000, height })
  drawing.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    title: { text: TITLE, left: 10, top: 8 },
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
  // A static picture needs a title, and no styles for a pointer.
  return svg.replace(/<style[\s\S]*?<\/style>\n?/, "").replace(/(<svg[^>]*>)/, `$1\n<title>${TITLE}</title>`)
}
