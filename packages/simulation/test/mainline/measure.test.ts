import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { JOIN_FIGURES } from "../../src/mainline/joins.ts"
import { measureMainline } from "../../src/mainline/measure.ts"
import { WALK_FIGURES } from "../../src/mainline/walks.ts"
import { runTopicScenario } from "../../src/run/runTopicScenario.ts"
import { mainlinePreset } from "../../src/scenario/DhtSettings.ts"
import { readTopicScenarios } from "../../src/scenario/readTopicScenarios.ts"

const settings = mainlinePreset("real")
const figures = [...Object.values(WALK_FIGURES), ...Object.values(JOIN_FIGURES)]

const scenario = (dht: string) =>
  Result.getOrThrow(
    readTopicScenarios(
      `seeds = [1]\n[[scenario]]\nsim = "Topics"\nname = "a"\nnodes = 3\nduration = "30s"\ndht = { model = "mainline", ${dht} }`,
      "x.toml",
    ),
  ).scenarios[0]!

describe("the production client on a mainline DHT", { timeout: 120_000 }, () => {
  it("the same seed gives the same samples; another seed gives others", () => {
    const [first, again, other] = [1n, 1n, 2n].map((seed) =>
      measureMainline({ count: 2, seed, settings: { ...settings, alive: 200_000 } }),
    )
    for (const figure of figures) assert.deepStrictEqual(again!.of(figure), first!.of(figure), figure)
    assert.notDeepEqual(other!.of(WALK_FIGURES.coldGetEnd), first!.of(WALK_FIGURES.coldGetEnd))
  })

  it("puts reach most of the truly nearest nodes, and more dead contacts make longer tails", () => {
    const [few, some, many] = [0.2, 0.4, 0.6].map((dead) =>
      measureMainline({ count: 12, seed: 3n, settings: { ...settings, alive: 1_000_000, dead }, joins: false }),
    )
    const reached = some!.quantiles(WALK_FIGURES.coldPutReached)
    assert.isAtLeast(reached.p50, 13)
    assert.isAtMost(reached.p50, 18)
    for (const figure of [WALK_FIGURES.coldGetEnd, WALK_FIGURES.coldPutEnd, WALK_FIGURES.coldGetQueries]) {
      const tails = [few, some, many].map((run) => run!.quantiles(figure).p95)
      assert.isBelow(tails[0]!, tails[1]!, figure)
      assert.isBelow(tails[1]!, tails[2]!, figure)
    }
  })

  it("whole topics find each other on it, each share of dead contacts with a log of its own", () => {
    const dead = [0.2, 0.4, 0.6].map((share) => scenario(`dead = ${share}`))
    const runs = dead.map((each) => runTopicScenario(each, 1n))
    for (const { one_swarm_ms } of runs) assert.isAtMost(one_swarm_ms ?? Number.POSITIVE_INFINITY, 20_000)
    assert.strictEqual(new Set(runs.map(({ log_hash }) => log_hash)).size, 3)
    const [{ log_hash }] = runs as [(typeof runs)[0] & {}]
    assert.strictEqual(runTopicScenario(dead[0]!, 1n).log_hash, log_hash)
    // Most queries go to nodes that others ask too: the slot's.
    for (const { dht } of runs) assert.isAbove(dht.hottest_per_minute, 1)
    for (const { dht } of runs) {
      assert.isAtLeast(dht.stored_of_nearest ?? 0, 13)
      assert.isAtMost(dht.stored_of_nearest ?? 0, 20)
    }
  })
})
