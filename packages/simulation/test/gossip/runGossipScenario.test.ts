import { assert, describe, it } from "@effect/vitest"
import { Protocol } from "@topic-tracker/gossip"
import { InvariantChecker } from "@topic-tracker/gossip/testing"
import { Effect } from "effect"
import { TextLog } from "../../src/gossip/EventLog.ts"
import { runGossipScenario } from "../../src/gossip/runGossipScenario.ts"
import { type GossipSummary, summarizeGossip } from "../../src/report/gossipSummary.ts"
import { runGossipScenarios } from "../../src/run/runGossipScenarios.ts"
import { type GossipScenario, gossipLabel } from "../../src/scenario/GossipScenario.ts"

const scenario = (parts: Partial<GossipScenario> = {}): GossipScenario => ({
  sim: "GossipMulti",
  nodes: 20,
  rounds: 5,
  bootstrap: { _tag: "Single" },
  latency: { _tag: "Dynamic", minMicros: 10_000, maxMicros: 50_000 },
  protocol: Protocol.defaultConfig,
  ...parts,
})

const seeds = (count: number) => Array.from({ length: count }, (_, i) => BigInt(i))

const summaryOf = (scenario: GossipScenario, count: number): GossipSummary =>
  summarizeGossip({
    scenario,
    seeds: seeds(count),
    runs: seeds(count).map((seed) => runGossipScenario(scenario, seed)),
    wallMs: 0,
  })

describe("determinism", () => {
  const textOf = (each: GossipScenario, seed: bigint) => {
    const log = new TextLog()
    const result = runGossipScenario(each, seed, { log })
    return { text: log.lines.join("\n"), result }
  }

  it("the same seed gives the same event log, line by line", () => {
    for (const each of [scenario(), scenario({ sim: "GossipAll", bootstrap: { _tag: "Set", count: 5 } })]) {
      const [first, second] = [textOf(each, 7n), textOf(each, 7n)]
      assert.strictEqual(first.text, second.text)
      assert.deepStrictEqual(first.result, second.result)
      assert.isAbove(first.text.split("\n").length, 1_000)
    }
  })

  it("is the same on any machine", () => {
    const { result, text } = textOf(scenario({ nodes: 5, rounds: 1 }), 1n)
    assert.deepStrictEqual(text.split("\n").slice(0, 4), [
      "0 0 command 4",
      "0 1 command 4",
      "0 2 command 4",
      "0 3 command 4",
    ])
    assert.strictEqual(result.logHash, "146f0b9d3a940c31")
  })

  it("another seed gives another log", () => {
    assert.notStrictEqual(textOf(scenario(), 1n).result.logHash, textOf(scenario(), 2n).result.logHash)
  })

  it.live("the number of threads changes no result", () =>
    Effect.gen(function* () {
      const scenarios = [scenario(), scenario({ nodes: 50 }), scenario({ sim: "GossipAll" })]
      const one = yield* runGossipScenarios(scenarios, seeds(3), { threads: 1 })
      let progress = 0
      const two = yield* runGossipScenarios(scenarios, seeds(3), { threads: 2, onProgress: () => progress++ })
      const here = scenarios.map((each) => seeds(3).map((seed) => runGossipScenario(each, seed)))
      assert.deepStrictEqual(
        one.map(({ runs }) => runs),
        here,
      )
      assert.deepStrictEqual(
        two.map(({ runs }) => runs),
        here,
      )
      assert.strictEqual(progress, 9)
    }),
  )
})

describe("the state machine's invariants", () => {
  it("hold in every node after every event", () => {
    for (const each of [scenario(), scenario({ sim: "GossipAll", nodes: 40, bootstrap: { _tag: "Set", count: 10 } })]) {
      let events = 0
      const checkers = new Map<object, InvariantChecker<string>>()
      runGossipScenario(each, 5n, {
        onHandled: (state, event, actions) => {
          const checker = checkers.get(state) ?? new InvariantChecker(state)
          checkers.set(state, checker)
          checker.afterEvent(event, actions)
          events++
        },
      })
      assert.strictEqual(checkers.size, each.nodes)
      assert.isAbove(events, 1_000)
    }
  })
})

describe("rounds", () => {
  it("reach every node in few hops", () => {
    for (const bootstrap of [{ _tag: "Single" }, { _tag: "Set", count: 10 }] as const) {
      const summary = summaryOf(scenario({ nodes: 100, bootstrap }), 3)
      assert.strictEqual(summary.missed.max, 0)
      assert.strictEqual(summary.isolated, 0)
      assert.isAtMost(summary.ldh.max, 15)
    }
  })

  it("from one sender become a perfect tree", () => {
    const { rounds } = runGossipScenario(scenario({ sim: "GossipSingle", nodes: 100, rounds: 10 }), 3n)
    // 99 payloads for 99 nodes; the figure divides by 98.
    assert.closeTo(rounds.at(-1)!.rmr, 99 / 98 - 1, 1e-9)
    assert.isAbove(rounds[0]!.rmr, 1)
  })

  it("last as long as the path to the farthest node if all latencies are equal", () => {
    const { rounds } = runGossipScenario(
      scenario({ sim: "GossipSingle", latency: { _tag: "Static", micros: 20_000 } }),
      3n,
    )
    for (const { durationMs, ldh } of rounds) assert.strictEqual(durationMs, 20 * (ldh + 1))
  })
})

/**
 * Figures of iroh-gossip 0.101's own simulator for the same scenarios and 24 seeds: the smallest and the largest mean over a
 * seed's rounds.
 */
const inRust: ReadonlyArray<
  readonly [Partial<GossipScenario>, Record<"rmr" | "ldh" | "duration_ms", readonly [number, number]>]
> = [
  [
    { sim: "GossipSingle", nodes: 20, rounds: 30 },
    { rmr: [0.13, 0.16], ldh: [2, 4], duration_ms: [72.67, 128.09] },
  ],
  [
    { sim: "GossipSingle", nodes: 100, rounds: 30 },
    { rmr: [0.08, 0.13], ldh: [4.6, 8], duration_ms: [143.67, 220.47] },
  ],
  [
    { sim: "GossipSingle", nodes: 1000, rounds: 5 },
    { rmr: [0.42, 0.45], ldh: [11, 16], duration_ms: [303.56, 417.56] },
  ],
  [
    { sim: "GossipMulti", nodes: 20, rounds: 30 },
    { rmr: [0.25, 0.64], ldh: [3.9, 6.1], duration_ms: [137.18, 214.26] },
  ],
  [
    { sim: "GossipMulti", nodes: 100, rounds: 30 },
    { rmr: [0.36, 0.67], ldh: [9.43, 11.53], duration_ms: [270.41, 369.06] },
  ],
  [
    { sim: "GossipMulti", nodes: 300, rounds: 10 },
    { rmr: [0.42, 0.7], ldh: [11.7, 15], duration_ms: [336.08, 425.47] },
  ],
  [
    { sim: "GossipAll", nodes: 20, rounds: 30 },
    { rmr: [1.14, 1.91], ldh: [4.17, 6.47], duration_ms: [392.9, 525.23] },
  ],
  [
    { sim: "GossipAll", nodes: 100, rounds: 5 },
    { rmr: [0.99, 1.13], ldh: [9.2, 11.6], duration_ms: [620.27, 814.52] },
  ],
]

describe("compared with iroh-gossip's simulator", () => {
  for (const [parts, spreads] of inRust) {
    const each = scenario(parts)
    it(`${gossipLabel(each)} misses nothing, takes no more hops and time, and at most a third more payloads`, () => {
      const summary = summaryOf(each, 4)
      assert.strictEqual(summary.missed.max, 0)
      for (const figure of ["ldh", "duration_ms"] as const) {
        const { mean } = summary[figure]
        assert.isAtMost(mean, spreads[figure][1], `${figure}; the largest mean in Rust is the limit`)
        assert.isAbove(mean, spreads[figure][0] / 2, `${figure}; half the smallest mean in Rust is the limit`)
      }
      const [least, largest] = spreads.rmr
      assert.isAtLeast(summary.rmr.mean, least)
      assert.isAtMost(summary.rmr.mean, (4 / 3) * largest)
    })
  }
})
