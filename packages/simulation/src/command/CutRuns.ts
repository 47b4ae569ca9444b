/**
 * The results so far when the command is cut, by Ctrl-C or a time-out: the runs that have ended, as a table, and the figures so far of those
 * under way. It knows nothing of signals.
 */

import { summarizeTopics, topicTable } from "../report/topicSummary.ts"
import type { SeededScenario, TopicWork, TopicWorkDone } from "../run/runTopicScenarios.ts"
import { topicLabel } from "../scenario/TopicScenario.ts"
import type { PartialFigures } from "../world/Figures.ts"

export class CutRuns {
  readonly #scenarios: ReadonlyArray<SeededScenario>
  readonly #done = new Map<TopicWork, TopicWorkDone>()
  readonly #underWay = new Map<TopicWork, PartialFigures>()

  constructor(scenarios: ReadonlyArray<SeededScenario>) {
    this.#scenarios = scenarios
  }

  readonly onRun = (work: TopicWork, done: TopicWorkDone): void => {
    this.#done.set(work, done)
    this.#underWay.delete(work)
  }

  readonly onSoFar = (work: TopicWork, figures: PartialFigures): void => {
    this.#underWay.set(work, figures)
  }

  /** The runs that have ended, by scenario; a scenario without any is left out. */
  summaries() {
    return this.#scenarios.flatMap(({ scenario }) => {
      const own = [...this.#done].filter(([work]) => work.scenario === scenario)
      if (own.length === 0) return []
      const result = {
        scenario,
        seeds: own.map(([{ seed }]) => seed),
        runs: own.map(([, { run }]) => run),
        logs: [],
        wallMs: own.reduce((sum, [, { wallMs }]) => sum + wallMs, 0),
      }
      return [summarizeTopics(result)]
    })
  }

  /** The runs under way, as plain data. */
  underWay() {
    return [...this.#underWay].map(([{ scenario, seed }, figures]) => ({
      name: topicLabel(scenario),
      seed: String(seed),
      of_ms: scenario.durationMs,
      so_far: figures,
    }))
  }

  /** Lines for a person. */
  text(): string {
    const summaries = this.summaries()
    const lines = this.underWay().map(({ name, of_ms, seed, so_far }) => {
      const share = so_far.delivered_share === null ? "" : `, ${(100 * so_far.delivered_share).toFixed(2)} % delivered`
      const swarm =
        so_far.one_swarm_ms === null ? "not one swarm yet" : `one swarm after ${seconds(so_far.one_swarm_ms)} s`
      return [
        `${name} with seed ${seed}, ${seconds(so_far.simulated_ms)} of ${seconds(of_ms)} s: ${so_far.nodes} nodes, ${so_far.joined} joined`,
        `${so_far.bubbles} bubbles, ${swarm}, degree ${so_far.degree_mean.toFixed(1)}, ${so_far.broadcasts} broadcasts${share}`,
        `${Math.round(so_far.gets_per_topic_minute)} gets and ${so_far.puts_per_topic_minute.toFixed(1)} puts a node and minute`,
      ].join(", ")
    })
    const table = summaries.length === 0 ? [] : [topicTable(summaries)]
    return [...table, "cut; runs under way so far:", ...lines].join("\n")
  }
}

const seconds = (ms: number): string => (ms / 1_000).toFixed(1)
