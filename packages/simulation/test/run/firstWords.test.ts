/** First words of newcomers while nodes come and go, small: `scenarios/channel.toml` has the whole scenario. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { runTopicScenario } from "../../src/run/runTopicScenario.ts"
import { readTopicScenarios } from "../../src/scenario/readTopicScenarios.ts"

const scenario = Result.getOrThrow(
  readTopicScenarios(
    `seeds = [1]
[[scenario]]
sim = "Topics"
name = "a"
nodes = 6
duration = "180s"
churn = { from = "10s", until = "160s", joins_per_minute = 60, leaves_per_minute = 240, stay = "5s" }
channel = { first_words = true }
`,
    "x.toml",
  ),
).scenarios[0]!

describe("first words", () => {
  it("of 150 newcomers to a swarm of some six nodes, and those to them, arrive all, in order and once", () => {
    const { channel, nodes } = runTopicScenario(scenario, 3n)
    // Two for each newcomer.
    assert.isAtLeast(channel.broadcasts, 280)
    assert.isAbove(channel.expected, 2 * channel.broadcasts)
    assert.strictEqual(channel.delivered, channel.expected)
    assert.deepInclude(channel, { repeated: 0, out_of_order: 0, missed: 0, lagged: 0 })
    assert.isAtLeast(nodes, 1)
  }, 60_000)
})
