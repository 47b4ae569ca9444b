/** Compares a run with the expectations of its scenario, and the expectations with the run: a loose one finds nothing. */

import type { Expectations } from "../scenario/TopicScenario.ts"
import type { TopicRun } from "./runTopicScenario.ts"

/** One sentence for each expectation that was not met. */
export const unmet = (expect: Expectations, run: TopicRun): ReadonlyArray<string> =>
  figuresOf(expect, run).flatMap(([what, expected, actual, unit, direction]) => {
    if (expected === undefined) return []
    if (actual !== null && (direction === "at least" ? actual >= expected : actual <= expected)) return []
    const found = actual === null ? "it did not happen" : `it was ${rounded(actual)}${unit}`
    return [`${what}: expected ${direction ?? "at most"} ${expected}${unit}, ${found}`]
  })

/**
 * One sentence for each expectation that the run would meet with a figure `times` as large, or with so many times as much missing of a
 * share. Figures of 0 say nothing about that.
 */
export const loose = (expect: Expectations, run: TopicRun, times: number): ReadonlyArray<string> =>
  figuresOf(expect, run).flatMap(([what, expected, actual, unit, direction]) => {
    if (expected === undefined || actual === null) return []
    const [bound, figure] = direction === "at least" ? [1 - expected, 1 - actual] : [expected, actual]
    if (figure <= 0 || figure * times > bound) return []
    return [`${what}: ${direction ?? "at most"} ${expected}${unit} is loose, it was ${rounded(actual)}${unit}`]
  })

type Figure = readonly [
  what: string,
  expected: number | undefined,
  actual: number | null,
  unit: string,
  atLeast?: "at least",
]

const figuresOf = (expect: Expectations, run: TopicRun): ReadonlyArray<Figure> => {
  const { channel, delivery, dht } = run
  return [
    ["one_swarm", expect.one_swarm, run.one_swarm_ms, " ms"],
    ["joined", expect.joined, run.never_joined > 0 ? null : run.joined_ms.max, " ms"],
    ["joined_p99", expect.joined_p99, run.never_joined > 0 ? null : run.joined_ms.p99, " ms"],
    ["healed", expect.healed, run.healed_ms, " ms"],
    ["recovered", expect.recovered, run.recovered_ms, " ms"],
    ["late_joined", expect.late_joined, run.late_joined_ms?.max ?? null, " ms"],
    ["awake", expect.awake, run.awake_ms, " ms"],
    ["delivered", expect.delivered, delivery.share, "", "at least"],
    ["hops", expect.hops, delivery.share === null ? null : delivery.hops.max, ""],
    ["channel_delivered", expect.channel_delivered, channel.share, "", "at least"],
    ["channel_latency", expect.channel_latency, channel.share === null ? null : channel.latency_ms.max, " ms"],
    ["channel_p99", expect.channel_p99, channel.share === null ? null : channel.latency_ms.p99, " ms"],
    [
      "channel_faults",
      expect.channel_faults,
      channel.repeated + channel.out_of_order + channel.missed + channel.lagged,
      "",
    ],
    ["bubbles_at_end", expect.bubbles_at_end, run.bubbles_at_end, ""],
    ["bubbles_at_end_at_least", expect.bubbles_at_end_at_least, run.bubbles_at_end, "", "at least"],
    [
      "steady_new_neighbors_per_node_minute",
      expect.steady_new_neighbors_per_node_minute,
      run.steady_new_neighbors_per_node_minute,
      "",
    ],
    [
      "dht_queries_per_topic_minute",
      expect.dht_queries_per_topic_minute,
      dht.gets_per_topic_minute + dht.puts_per_topic_minute,
      "",
    ],
    ["steady_gets_per_topic_minute", expect.steady_gets_per_topic_minute, dht.steady_gets_per_topic_minute, ""],
    ["steady_puts_per_topic_minute", expect.steady_puts_per_topic_minute, dht.steady_puts_per_topic_minute, ""],
    ["hottest_per_minute", expect.hottest_per_minute, dht.hottest_per_minute, ""],
  ]
}

const rounded = (value: number): string => String(Math.round(value * 1e4) / 1e4)
