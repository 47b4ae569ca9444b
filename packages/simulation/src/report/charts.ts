/**
 * The charts of a report, as options for ECharts: plain data made from summaries. Each chart answers one question and exists if
 * the scenarios for it were run.
 */
import type { EChartsOption } from "echarts"
import type { TopicRun } from "../run/runTopicScenario.ts"
import type { TopicSummary } from "./topicSummary.ts"

export interface Chart {
  readonly id: string
  readonly title: string
  /** One or two sentences that explain the chart. */
  readonly text: string
  readonly option: EChartsOption
}

type Summaries = ReadonlyArray<TopicSummary>

/** All charts for which there are results. */
export const chartsOf = (summaries: Summaries): ReadonlyArray<Chart> =>
  [oneSwarm, delivery, latencyByLoss, healing, load, hottest, bubbles].flatMap((chart) => chart(summaries) ?? [])

const grid = { left: 12, right: 20, top: 68, bottom: 36, containLabel: true }
const base = { grid, legend: { top: 4, type: "scroll" }, tooltip: { trigger: "axis" } } as const

const axis = (name: string, type: "log" | "value" | "category" = "value") =>
  ({ type, name, nameLocation: "middle", nameGap: 28 }) as const

/** A vertical axis has its name above it: on a telephone there is no room next to it. */
const upAxis = (name: string, type: "log" | "value" = "value") =>
  ({ type, name, nameLocation: "end", nameTextStyle: { align: "left" }, scale: false }) as const

const mean = (values: ReadonlyArray<number>): number => values.reduce((sum, value) => sum + value, 0) / values.length

/** The mean of a figure over all runs of a summary; undefined if a run has no such figure. */
const meanOf = ({ runs }: TopicSummary, figure: (run: TopicRun) => number | null): number | undefined => {
  const values = runs.map(figure)
  return values.every((value) => value !== null) ? mean(values as ReadonlyArray<number>) : undefined
}

const rounded = (value: number, digits = 2): number => Number(value.toFixed(digits))

/** For each scenario, the summaries in which this key is the first varied one. */
const variedBy = (summaries: Summaries, key: string): ReadonlyMap<string, Summaries> => {
  const groups = new Map<string, Array<TopicSummary>>()
  for (const summary of summaries) {
    if (Object.keys(summary.variant)[0] !== key) continue
    groups.set(summary.scenario, [...(groups.get(summary.scenario) ?? []), summary])
  }
  return groups
}

type Point = [x: number, y: number]

const lines = (
  groups: ReadonlyMap<string, Summaries>,
  key: string,
  figure: (summary: TopicSummary) => number | undefined,
) =>
  [...groups].map(([name, members]) => ({
    name,
    type: "line" as const,
    symbolSize: 8,
    data: members.flatMap((each): ReadonlyArray<Point> => {
      const value = figure(each)
      return value === undefined ? [] : [[Number(each.variant[key]), rounded(value, 3)]]
    }),
  }))

const oneSwarm = (summaries: Summaries): Chart | undefined => {
  const asked = summaries.filter(({ expect }) => expect.one_swarm !== undefined)
  const groups = variedBy(asked, "nodes")
  if (groups.size === 0) return undefined
  return {
    id: "one-swarm",
    title: "Time to one swarm, by number of nodes",
    text: "Simulated seconds from the start until every node reaches every other over neighbours; the mean of all seeds. In scenarios whose nodes start within a minute, less than a minute is impossible.",
    option: {
      ...base,
      xAxis: axis("nodes", "log"),
      yAxis: upAxis("seconds", "log"),
      series: lines(groups, "nodes", (each) => {
        const ms = meanOf(each, (run) => run.one_swarm_ms)
        return ms === undefined ? undefined : ms / 1_000
      }),
    },
  }
}

const byLoss = (summaries: Summaries): Summaries => [...variedBy(summaries, "links.loss").values()].flat()

const percent = (share: unknown): string => `${rounded(100 * Number(share), 1)} %`

const delivery = (summaries: Summaries): Chart | undefined => {
  const members = byLoss(summaries)
  if (members.length === 0) return undefined
  return {
    id: "delivery",
    title: "Messages delivered, by loss",
    text: "Share of the deliveries that happened, and their hops. Links lose this share of packets. QUIC and its model repeat lost packets, so loss costs time and no messages.",
    option: {
      ...base,
      xAxis: {
        ...axis("packets lost", "category"),
        data: members.map(({ variant }) => percent(variant["links.loss"])),
      },
      yAxis: [
        { ...upAxis("% delivered"), min: 90, max: 100 },
        { ...upAxis("hops"), nameTextStyle: { align: "right" }, splitLine: { show: false } },
      ],
      series: [
        {
          name: "delivered",
          type: "bar",
          barMaxWidth: 48,
          data: members.map((each) => rounded(100 * (meanOf(each, ({ delivery }) => delivery.share) ?? 0), 3)),
        },
        {
          name: "hops, mean",
          type: "line",
          yAxisIndex: 1,
          data: members.map((each) => rounded(meanOf(each, ({ delivery }) => delivery.hops.mean) ?? 0)),
        },
        {
          name: "hops, most",
          type: "line",
          yAxisIndex: 1,
          data: members.map((each) => rounded(meanOf(each, ({ delivery }) => delivery.hops.max) ?? 0)),
        },
      ],
    },
  }
}

const latencyByLoss = (summaries: Summaries): Chart | undefined => {
  const members = byLoss(summaries)
  if (members.length === 0) return undefined
  const figure = (name: string, of: (run: TopicRun) => number) => ({
    name,
    type: "line" as const,
    symbolSize: 8,
    data: members.map((each) => rounded(meanOf(each, of) ?? 0, 0)),
  })
  return {
    id: "latency",
    title: "Time to deliver, by loss",
    text: "Simulated milliseconds from a broadcast to its reception by a node.",
    option: {
      ...base,
      xAxis: {
        ...axis("packets lost", "category"),
        data: members.map(({ variant }) => percent(variant["links.loss"])),
      },
      yAxis: upAxis("ms"),
      series: [
        figure("median", ({ delivery }) => delivery.latency_ms.p50),
        figure("99 of 100", ({ delivery }) => delivery.latency_ms.p99),
      ],
    },
  }
}

const healing = (summaries: Summaries): Chart | undefined => {
  const groups = variedBy(summaries, "partition.0.groups")
  if (groups.size === 0) return undefined
  const members = [...groups.values()].flat()
  const names = [...new Set(members.map(({ variant }) => `in ${variant["partition.0.groups"]}`))]
  return {
    id: "healing",
    title: "Healing after a partition",
    text: "Simulated seconds from the end of a partition of three minutes until all nodes are one swarm. A bar is the mean, a dot is one seed. A run that did not heal has no dot.",
    option: {
      ...base,
      tooltip: { trigger: "item" },
      xAxis: { ...axis("partitioned", "category"), data: names },
      yAxis: upAxis("seconds"),
      series: [...groups].flatMap(([name, variants]) => {
        const seconds = variants.map(({ runs }) =>
          runs.flatMap(({ healed_ms }) => (healed_ms === null ? [] : [rounded(healed_ms / 1_000)])),
        )
        return [
          {
            name,
            type: "bar" as const,
            barMaxWidth: 48,
            data: seconds.map((all) => (all.length === 0 ? "-" : rounded(mean(all)))),
          },
          {
            name: `${name}, each seed`,
            type: "scatter" as const,
            data: seconds.flatMap((all, i) => all.map((value) => [names[i]!, value])),
          },
        ]
      }),
    },
  }
}

const loadGroups = (summaries: Summaries) =>
  variedBy(
    summaries.filter(({ expect }) => expect.dht_queries_per_topic_minute !== undefined),
    "nodes",
  )

const load = (summaries: Summaries): Chart | undefined => {
  const groups = loadGroups(summaries)
  if (groups.size === 0) return undefined
  const named = (name: string, figure: (run: TopicRun) => number) =>
    lines(groups, "nodes", (each) => meanOf(each, figure)).map((series) => ({ ...series, name }))
  return {
    id: "dht-load",
    title: "DHT load of one node of a topic, by number of nodes",
    text: "Queries that the nodes of the DHT receive per node of the topic and minute, in the second half of a run, after the nodes have found each other. One lookup asks 20 nodes.",
    option: {
      ...base,
      xAxis: axis("nodes", "log"),
      yAxis: upAxis("queries per topic and minute"),
      series: [
        ...named("gets", ({ dht }) => dht.steady_gets_per_topic_minute),
        ...named("puts", ({ dht }) => dht.steady_puts_per_topic_minute),
        ...named("gets, all of the run", ({ dht }) => dht.gets_per_topic_minute),
      ],
    },
  }
}

const hottest = (summaries: Summaries): Chart | undefined => {
  const groups = loadGroups(summaries)
  if (groups.size === 0) return undefined
  return {
    id: "hottest",
    title: "The busiest DHT node, by number of nodes",
    text: "The most queries that one node of the DHT received in a minute: it holds the slot of the minute in which the swarm starts.",
    option: {
      ...base,
      xAxis: axis("nodes", "log"),
      yAxis: upAxis("queries a minute", "log"),
      series: lines(groups, "nodes", (each) => meanOf(each, ({ dht }) => dht.hottest_per_minute)),
    },
  }
}

const shortLabel = ({ variant }: TopicSummary): string => {
  const on = Object.entries(variant).flatMap(([key, value]) =>
    value === true
      ? [
          key
            .replace(/^topic\./, "")
            .replace(/\.enabled$/, "")
            .replaceAll("_", " "),
        ]
      : [],
  )
  return on.length === 0 ? "no merges" : on.join(" and ")
}

const bubbles = (summaries: Summaries): Chart | undefined => {
  const members = summaries.filter(({ variant }) => Object.keys(variant).some((key) => /merge\.enabled$/.test(key)))
  if (members.length === 0) return undefined
  return {
    id: "bubbles",
    title: "Bubbles over time, with merges and without",
    text: "The number of groups of nodes that do not reach each other (bubbles); the mean of all seeds. All nodes start at once.",
    option: {
      ...base,
      xAxis: axis("simulated seconds"),
      yAxis: upAxis("bubbles"),
      series: members.map((each) => {
        const points = each.runs[0]?.timeline ?? []
        return {
          name: shortLabel(each),
          type: "line" as const,
          step: "end" as const,
          showSymbol: false,
          data: points.flatMap(({ second }, i): ReadonlyArray<Point> => {
            const counts = each.runs.map(({ timeline }) => timeline[i]?.bubbles ?? Number.NaN)
            return second === 0 ? [] : [[second, rounded(mean(counts))]]
          }),
        }
      }),
    },
  }
}
