/** The reported figures of whole-topic scenarios: an object for JSON, and a table for people. */
import { textTable } from "@topic-tracker/cli-kit"
import { loose, unmet } from "../run/expectations.ts"
import type { TopicRun } from "../run/runTopicScenario.ts"
import type { TopicScenarioResult } from "../run/runTopicScenarios.ts"
import { type Expectations, topicLabel } from "../scenario/TopicScenario.ts"

export interface TopicSummary {
  readonly name: string
  readonly scenario: string
  /** The varied keys and their values. */
  readonly variant: Readonly<Record<string, number | string | boolean>>
  readonly nodes: number
  readonly seeds: ReadonlyArray<number>
  readonly expect: Expectations
  /** The expectations that a run did not meet. */
  readonly unmet: ReadonlyArray<{ readonly seed: number; readonly message: string }>
  /** The expectations that every run would also meet with figures three times worse. */
  readonly loose: ReadonlyArray<string>
  readonly wall_ms: number
  /** One hash for each seed, the same in each repetition. */
  readonly log_hashes: ReadonlyArray<string>
  /** One for each seed. */
  readonly runs: ReadonlyArray<TopicRun>
}

/** A figure that is so many times worse must fail. */
const WORSE = 3

export const summarizeTopics = ({ runs, scenario, seeds, wallMs }: TopicScenarioResult): TopicSummary => ({
  name: topicLabel(scenario),
  scenario: scenario.name,
  variant: scenario.variant,
  nodes: scenario.nodes,
  seeds: seeds.map(Number),
  expect: scenario.expect,
  unmet: runs.flatMap((run, i) => unmet(scenario.expect, run).map((message) => ({ seed: Number(seeds[i]), message }))),
  loose: looseInAll(scenario.expect, runs),
  wall_ms: Math.round(wallMs),
  log_hashes: runs.map((run) => run.log_hash),
  runs,
})

type Cell = (runs: ReadonlyArray<TopicRun>) => string | undefined

const looseInAll = (expect: Expectations, runs: ReadonlyArray<TopicRun>): ReadonlyArray<string> => {
  const [first = [], ...others] = runs.map((run) => loose(expect, run, WORSE))
  const nameOf = (message: string) => message.split(":", 1)[0]
  return first.filter((message) => others.every((each) => each.some((other) => nameOf(other) === nameOf(message))))
}

const columns: ReadonlyArray<readonly [title: string, cell: Cell]> = [
  ["one swarm s", (runs) => seconds(runs.map((run) => run.one_swarm_ms))],
  ["joined p50 s", (runs) => seconds(runs.map((run) => run.joined_ms.p50))],
  ["joined max s", (runs) => seconds(runs.map((run) => run.joined_ms.max))],
  ["healed s", (runs) => optional(runs.map((run) => run.healed_ms))],
  ["recovered s", (runs) => optional(runs.map((run) => run.recovered_ms))],
  ["late max s", (runs) => optional(runs.map((run) => run.late_joined_ms?.max ?? null))],
  ["awake s", (runs) => optional(runs.map((run) => run.awake_ms))],
  ["delivered %", (runs) => delivered(runs, (run) => 100 * (run.delivery.share ?? 0), 2)],
  ["hops", (runs) => delivered(runs, (run) => run.delivery.hops.mean, 1)],
  ["most hops", (runs) => delivered(runs, (run) => run.delivery.hops.max, 0)],
  ["p50 ms", (runs) => delivered(runs, (run) => run.delivery.latency_ms.p50, 0)],
  ["p99 ms", (runs) => delivered(runs, (run) => run.delivery.latency_ms.p99, 0)],
  ["channel %", (runs) => ofChannel(runs, (run) => 100 * (run.channel.share ?? 0), 3)],
  ["channel p50 ms", (runs) => ofChannel(runs, (run) => run.channel.latency_ms.p50, 0)],
  ["p99 ms", (runs) => ofChannel(runs, (run) => run.channel.latency_ms.p99, 0)],
  ["max ms", (runs) => ofChannel(runs, (run) => run.channel.latency_ms.max, 0)],
  ["bubbles", (runs) => spreadOf(runs, (run) => run.bubbles_at_end, 0)],
  ["degree", (runs) => spreadOf(runs, (run) => run.degree.mean, 1)],
  ["new neighbours/node/min", (runs) => spreadOf(runs, (run) => run.new_neighbors_per_node_minute, 1)],
  ["later gets/topic/min", (runs) => spreadOf(runs, (run) => run.dht.steady_gets_per_topic_minute, 0)],
  ["gets/topic/min", (runs) => spreadOf(runs, (run) => run.dht.gets_per_topic_minute, 0)],
  ["puts/topic/min", (runs) => spreadOf(runs, (run) => run.dht.puts_per_topic_minute, 1)],
  ["hottest/min", (runs) => spreadOf(runs, (run) => run.dht.hottest_per_minute, 0)],
]

/**
 * A header and one row for each scenario, figures as mean (min to max) over the seeds. A column without any figure is left
 * out.
 */
export const topicRows = (summaries: ReadonlyArray<TopicSummary>): ReadonlyArray<ReadonlyArray<string>> => {
  const shown = columns.filter(([, cell]) => summaries.some(({ runs }) => cell(runs) !== undefined))
  const header = ["scenario", "seeds", ...shown.map(([title]) => title), "wall s", ""]
  const rows = summaries.map((each) => [
    each.name,
    String(each.seeds.length),
    ...shown.map(([, cell]) => cell(each.runs) ?? "–"),
    (each.wall_ms / 1_000).toFixed(1),
    each.unmet.length > 0 ? "NOT AS EXPECTED" : Object.keys(each.expect).length > 0 ? "as expected" : "",
  ])
  return [header, ...rows]
}

/** The rows for a terminal. */
export const topicTable = (summaries: ReadonlyArray<TopicSummary>): string => {
  const [header = [], ...rows] = topicRows(summaries)
  return textTable(header, rows)
}

const spread = (values: ReadonlyArray<number>, digits: number): string => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const [min, max] = [Math.min(...values).toFixed(digits), Math.max(...values).toFixed(digits)]
  return min === max ? min : `${mean.toFixed(digits)} (${min} to ${max})`
}

const seconds = (values: ReadonlyArray<number | null>): string => {
  const reached = values.filter((value) => value !== null)
  if (reached.length === 0) return "never"
  const text = spread(
    reached.map((value) => value / 1_000),
    1,
  )
  return reached.length === values.length ? text : `${text}, ${values.length - reached.length} never`
}

/** As seconds; undefined if the scenario has no such figure. */
const optional = (values: ReadonlyArray<number | null>): string | undefined =>
  values.every((value) => value === null) ? undefined : seconds(values)

const spreadOf = (runs: ReadonlyArray<TopicRun>, figure: (run: TopicRun) => number, digits: number): string =>
  spread(runs.map(figure), digits)

const delivered = (runs: ReadonlyArray<TopicRun>, figure: (run: TopicRun) => number, digits: number) =>
  runs.every((run) => run.delivery.broadcasts === 0) ? undefined : spreadOf(runs, figure, digits)

const ofChannel = (runs: ReadonlyArray<TopicRun>, figure: (run: TopicRun) => number, digits: number) =>
  runs.every((run) => run.channel.broadcasts === 0) ? undefined : spreadOf(runs, figure, digits)
