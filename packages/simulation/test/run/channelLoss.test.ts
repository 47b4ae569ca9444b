/** A channel at a loss of 40 %, small: `scenarios/channel.toml` has the whole scenario. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { runTopicScenario } from "../../src/run/runTopicScenario.ts"
import { readTopicScenarios } from "../../src/scenario/readTopicScenarios.ts"

const lossy = (nodes: number, count: number) =>
  Result.getOrThrow(
    readTopicScenarios(
      `seeds = [1]
[[scenario]]
sim = "Topics"
name = "a"
nodes = ${nodes}
duration = "2m"
arrive_over = "5s"
stop_early = true
links = { loss = 0.4 }
channel = { authors = ${nodes}, count = ${count}, every = "200ms" }
`,
      "x.toml",
    ),
  ).scenarios[0]!

describe("a channel at a loss of 40 %", () => {
  it("delivers all messages of all authors once, in order, within 5 s", () => {
    for (const seed of [1n, 2n]) {
      const { channel } = runTopicScenario(lossy(12, 100), seed)
      assert.strictEqual(channel.share, 1)
      assert.deepInclude(channel, { repeated: 0, out_of_order: 0, missed: 0, lagged: 0 })
      assert.isAtMost(channel.latency_ms.max, 5_000)
    }
  })
})
