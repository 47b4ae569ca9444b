/** The changes that a scenario plans, on a swarm that only counts. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { VirtualTime } from "../../src/environment/VirtualTime.ts"
import { changesOf, type Swarm } from "../../src/run/changes.ts"
import { readTopicScenarios } from "../../src/scenario/readTopicScenarios.ts"
import { noMilestones } from "../../src/world/milestones.ts"

const scenarioWith = (churn: string) =>
  Result.getOrThrow(
    readTopicScenarios(
      `seeds = [1]\n[[scenario]]\nsim = "Topics"\nname = "a"\nnodes = 3\nduration = "10m"\nchurn = { ${churn} }\n`,
      "x.toml",
    ),
  ).scenarios[0]!

/** Node 0 says something every ten seconds. Gives each node's start and end. */
const churned = (churn: string) => {
  const time = new VirtualTime(0, 7n)
  const started = new Map<number, number>()
  const ended = new Map<number, number>()
  const end = (node: number) => Effect.sync(() => void ended.set(node, time.now))
  const swarm: Swarm<never> = {
    nodes: () => [...started.keys()].filter((node) => !ended.has(node)),
    activeAt: (node) => (node === 0 ? time.now - (time.now % 10_000) : started.get(node)!),
    join: () =>
      Effect.sync(() => {
        started.set(started.size, time.now)
        return started.size - 1
      }),
    leave: end,
    crash: end,
    suspend: () => Effect.void,
    environment: { partition: () => {}, heal: () => {} },
  }
  time.run(changesOf({ scenario: scenarioWith(churn), time, swarm, milestones: noMilestones() }))
  return { started, ended, left: swarm.nodes().length }
}

describe("churn", () => {
  it("ends no node sooner than `stay` after its start or its last words, and nothing after `until`", () => {
    const { ended, left, started } = churned(
      'joins_per_minute = 30, leaves_per_minute = 60, crashes_per_minute = 60, from = "10s", until = "5m", stay = "20s"',
    )
    assert.isAbove(ended.size, 100)
    for (const [node, at] of ended) {
      assert.isAtLeast(at, started.get(node)! + 20_000)
      assert.isBelow(at, 300_000)
    }
    assert.isFalse(ended.has(0))
    assert.isAtLeast(left, 1)
    assert.isBelow(Math.max(...started.values()), 300_000)
  })

  it("ends nodes at once without `stay`", () => {
    const { ended, started } = churned("joins_per_minute = 30, leaves_per_minute = 60")
    assert.isTrue([...ended].some(([node, at]) => at < started.get(node)! + 1_000))
  })
})
