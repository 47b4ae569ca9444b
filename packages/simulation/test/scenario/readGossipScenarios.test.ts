import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { parseMillis } from "../../src/scenario/duration.ts"
import { gossipLabel } from "../../src/scenario/GossipScenario.ts"
import { locate } from "../../src/scenario/locate.ts"
import { readGossipScenarios } from "../../src/scenario/readGossipScenarios.ts"

const allToml = readFileSync(new URL("../../simulations/all.toml", import.meta.url), "utf8")

const read = (text: string) => Result.getOrThrow(readGossipScenarios(text, "test.toml"))
const errorOf = (text: string) => {
  const result = readGossipScenarios(text, "test.toml")
  return Result.isFailure(result) ? result.failure.message : "no error"
}
/** A valid file with one line added to its scenario. */
const scenarioWith = (line: string) => `seeds = [1]\n\n[[scenario]]\nsim = "GossipSingle"\n${line}\n`

describe("readGossipScenarios", () => {
  it("reads iroh-gossip's all.toml unchanged", () => {
    const { scenarios, seeds } = read(allToml)
    assert.deepStrictEqual(seeds, [0n, 1n, 212312388123n, 123n])
    assert.deepStrictEqual(scenarios.map(gossipLabel), [
      "GossipSingle-n20-r30",
      "GossipSingle-n100-r30",
      "GossipSingle-n1000-r30",
      "GossipMulti-n20-r30",
      "GossipMulti-n100-r30",
      "GossipMulti-n1000-r30",
      "GossipAll-n20-r30",
      "GossipAll-n100-r5",
    ])
    for (const { bootstrap, latency, protocol } of scenarios) {
      assert.deepStrictEqual(latency, { _tag: "Dynamic", minMicros: 10_000, maxMicros: 50_000 })
      assert.deepStrictEqual(bootstrap, { _tag: "Single" })
      assert.strictEqual(protocol.membership.activeViewCapacity, 5)
    }
  })

  it("reads every key that iroh-gossip knows", () => {
    const { scenarios, seeds } = read(`
      seeds = [9223372036854775807]
      [[scenario]]
      sim = "GossipAll"
      nodes = 50
      rounds = 2
      bootstrap = { set = { count = 10 } }
      [scenario.config.latency]
      static = "1s 500us"
      [scenario.config.proto]
      max_message_size = 1000
      [scenario.config.proto.membership]
      active_view_capacity = 4
      shuffle_interval = { secs = 5, nanos = 500000000 }
      neighbor_request_timeout = "250ms"
      [scenario.config.proto.broadcast]
      graft_timeout_1 = "90ms"
      optimization_threshold = 3`)
    assert.deepStrictEqual(seeds, [2n ** 63n - 1n])
    const [scenario] = scenarios
    assert.deepStrictEqual(scenario?.bootstrap, { _tag: "Set", count: 10 })
    assert.deepStrictEqual(scenario?.latency, { _tag: "Static", micros: 1_000_500 })
    assert.strictEqual(scenario?.protocol.maxMessageSize, 1_000)
    assert.include(scenario?.protocol.membership, {
      activeViewCapacity: 4,
      shuffleIntervalMs: 5_500,
      neighborRequestTimeoutMs: 250,
      passiveViewCapacity: 30,
    })
    assert.include(scenario?.protocol.broadcast, { graftTimeout1Ms: 90, graftTimeout2Ms: 40, optimizationThreshold: 3 })
  })

  it("a scenario's config replaces the file's", () => {
    const { scenarios } = read(
      `${scenarioWith('nodes = 9\nconfig.latency.static = "7ms"')}[config.latency]\nstatic = "3ms"`,
    )
    assert.deepStrictEqual(scenarios[0]?.latency, { _tag: "Static", micros: 7_000 })
  })

  const cases: ReadonlyArray<readonly [string, string, string]> = [
    ["an unknown key", scenarioWith("nodes = 9\nspeed = 3"), "test.toml:6: scenario[0].speed: no such key here"],
    ["a key of another table", `seeds = [1]\nnodes = 3`, "test.toml:2: nodes: no such key here"],
    [
      "a key that the protocol has no longer",
      scenarioWith('nodes = 9\n[scenario.config.proto.membership]\nrequest_bookkeeping = "exact"'),
      "test.toml:7: scenario[0].config.proto.membership.request_bookkeeping: no such key here",
    ],
    ["a missing key", scenarioWith(""), "test.toml:3: scenario[0].nodes: is missing"],
    [
      "too few nodes",
      scenarioWith("nodes = 2"),
      "test.toml:5: scenario[0].nodes: 2 is not an integer from 3 to 100000",
    ],
    [
      "a broken number",
      scenarioWith("nodes = 3.5"),
      "test.toml:5: scenario[0].nodes: 3.5 is not an integer from 3 to 100000",
    ],
    [
      "no rounds",
      scenarioWith("nodes = 9\nrounds = 0"),
      "test.toml:6: scenario[0].rounds: 0 is not an integer from 1 to 1000000",
    ],
    [
      "a bad unit",
      scenarioWith('nodes = 9\nconfig.latency.static = "5 parsecs"'),
      'test.toml:6: scenario[0].config.latency.static: "5 parsecs" is not a time such as "10ms" or "1s 500ms"',
    ],
    [
      "latencies the wrong way round",
      scenarioWith('nodes = 9\nconfig.latency.dynamic = { min = "50ms", max = "10ms" }'),
      "test.toml:6: scenario[0].config.latency.dynamic.max: must be above min",
    ],
    [
      "two latencies",
      scenarioWith('nodes = 9\n[scenario.config.latency]\nstatic = "1ms"\ndynamic = { min = "1ms", max = "2ms" }'),
      "test.toml:6: scenario[0].config.latency: must have one of the keys static and dynamic",
    ],
    [
      "more bootstrap nodes than nodes",
      scenarioWith("nodes = 9\nbootstrap = { set = { count = 10 } }"),
      "test.toml:6: scenario[0].bootstrap.set.count: 10 is more than the scenario's 9 nodes",
    ],
    [
      "a parameter that the protocol refuses",
      scenarioWith("nodes = 9\n[scenario.config.proto.membership]\nactive_view_capacity = 1"),
      "test.toml:7: scenario[0].config.proto.membership.active_view_capacity: ",
    ],
    ["a negative seed", "seeds = [1, -2]", "test.toml:1: seeds[1]: -2 is not a seed, 0 to 2^63 - 1"],
    ["text that is no TOML", "seeds = [1\n[[scenario]]", "test.toml:"],
  ]
  for (const [what, text, expected] of cases) {
    it(`names line and key of ${what}`, () => {
      const message = errorOf(text)
      assert.isTrue(message.startsWith(expected), message)
      assert.notInclude(message, "\n")
    })
  }
})

describe("locate", () => {
  it("finds keys in tables, arrays of tables, dotted keys and inline tables", () => {
    const text = 'a.b = 1\n[t]\nx = { y = 2 }\n[[s]]\nk = 1\n[[s]]\nk = 2\n[s.sub]\n"q" = 3\n'
    assert.strictEqual(locate(text, ["a", "b"]), 1)
    assert.strictEqual(locate(text, ["t"]), 2)
    assert.strictEqual(locate(text, ["t", "x", "y"]), 3)
    assert.strictEqual(locate(text, ["s", 0, "k"]), 5)
    assert.strictEqual(locate(text, ["s", 1, "k"]), 7)
    assert.strictEqual(locate(text, ["s", 1, "sub", "q"]), 9)
    assert.strictEqual(locate(text, ["s", 1, "missing"]), 6)
    assert.isUndefined(locate(text, ["nowhere"]))
  })
})

describe("times", () => {
  it("are read in humantime's format", () => {
    assert.deepStrictEqual(
      ["10ms", "1s 500ms", "2min", "1h", "3us", "1day", " 5 s "].map(parseMillis),
      [10, 1_500, 120_000, 3_600_000, 0.003, 86_400_000, 5_000],
    )
    for (const text of ["", "10", "ms", "1.5s", "1s,", "-1s"]) assert.isUndefined(parseMillis(text), text)
  })
})
