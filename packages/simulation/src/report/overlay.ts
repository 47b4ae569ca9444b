/** Pictures of the overlay (the neighbour graph) over time, for one run. */
import type { EChartsOption } from "echarts"
import type { OverlayPicture } from "../world/Figures.ts"
import type { TopicSummary } from "./topicSummary.ts"

export interface OverlayPictures {
  readonly name: string
  readonly seed: number
  readonly pictures: ReadonlyArray<{ readonly second: number; readonly option: EChartsOption }>
}

/** The first run with a partition; without one, the run with most pictures. */
export const overlayOf = (summaries: ReadonlyArray<TopicSummary>): OverlayPictures | undefined => {
  const candidates = summaries.filter(({ runs }) => (runs[0]?.overlay.length ?? 0) > 1)
  const split = candidates.find(({ variant }) => variant["partition.0.groups"] !== undefined)
  const most = candidates.toSorted((a, b) => b.runs[0]!.overlay.length - a.runs[0]!.overlay.length)[0]
  const chosen = split ?? most
  if (chosen === undefined) return undefined
  const groups = Number(chosen.variant["partition.0.groups"] ?? 1)
  return {
    name: chosen.name,
    seed: chosen.seeds[0]!,
    pictures: chosen.runs[0]!.overlay.filter(({ nodes }) => nodes.length > 0).map((picture) => ({
      second: picture.second,
      option: graph(picture, groups),
    })),
  }
}

/** Nodes on a circle, with the nodes of one partition next to each other. */
const graph = ({ links, nodes }: OverlayPicture, groups: number): EChartsOption => {
  const order = nodes.toSorted((a, b) => (a % groups) - (b % groups) || a - b)
  const degree = new Map<number, number>()
  for (const node of links.flat()) degree.set(node, (degree.get(node) ?? 0) + 1)
  return {
    tooltip: {},
    series: [
      {
        type: "graph",
        layout: "circular",
        left: "8%",
        right: "8%",
        top: "8%",
        bottom: "8%",
        ...(groups > 1
          ? { categories: Array.from({ length: groups }, (_, group) => ({ name: `part ${group + 1}` })) }
          : {}),
        data: order.map((node) => ({
          id: String(node),
          name: `node ${node}`,
          value: degree.get(node) ?? 0,
          symbolSize: 10,
          ...(groups > 1 ? { category: node % groups } : {}),
        })),
        links: links.map(([a, b]) => ({ source: String(a), target: String(b) })),
        lineStyle: { opacity: 0.5, curveness: 0.1 },
      },
    ],
  }
}
