import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { agreementTable } from "../../src/report/agreementTable.ts"
import { runTopicScenario } from "../../src/run/runTopicScenario.ts"
import { readTopicScenarios } from "../../src/scenario/readTopicScenarios.ts"
import { agreements } from "../../src/sockets/agreement.ts"
import { unsupported } from "../../src/sockets/unsupported.ts"

const read = (lines: string) =>
  Result.getOrThrow(readTopicScenarios(`seeds = [1]\n[[scenario]]\nsim = "Topics"\nname = "a"\n${lines}`, "x.toml"))
    .scenarios[0]!

const run = runTopicScenario(read('nodes = 2\nduration = "20s"\nstop_early = true\nbroadcast = { count = 2 }\n'), 1n)
const figure = (name: string, simulated = [run], real = [run]) =>
  agreements(simulated, real).find(({ figure }) => figure === name)

describe("agreement", () => {
  it("equal runs agree in all figures", () => {
    const all = agreements([run], [run])
    assert.isTrue(all.every(({ agrees }) => agrees))
    assert.includeMembers(
      all.map(({ figure }) => figure),
      ["one_swarm", "joined_p50", "delivered", "latency_p50", "get_mean"],
    )
    assert.isUndefined(figure("healed"))
  })

  it("medians may differ by at most the tolerance", () => {
    const { tolerance } = figure("one_swarm")!
    const later = (ms: number) => ({ ...run, one_swarm_ms: run.one_swarm_ms! + ms })
    assert.isTrue(figure("one_swarm", [run], [later(tolerance - 1)])!.agrees)
    assert.isFalse(figure("one_swarm", [run], [later(tolerance + 1)])!.agrees)
    const two = figure("one_swarm", [run], [run, later(2 * tolerance - 2)])!
    assert.isTrue(two.agrees)
    assert.closeTo(two.real.max - two.real.min, 2 * tolerance - 2, 1e-6)
  })

  it("a figure that all simulated runs have and no real run has differs", () => {
    const never = { ...run, one_swarm_ms: null }
    assert.isFalse(figure("one_swarm", [run], [run, never])!.agrees)
    assert.isFalse(figure("one_swarm", [run], [never])!.agrees)
    assert.isTrue(figure("one_swarm", [run, never], [run])!.agrees)
    assert.isUndefined(figure("one_swarm", [never], [never]))
  })

  it("the table marks figures that differ", () => {
    const text = agreementTable([{ name: "a", figures: agreements([run], [{ ...run, one_swarm_ms: 1e6 }]) }])
    assert.match(text, /^scenario +figure +simulated +real +may differ by\n/)
    assert.match(text, /\na +one_swarm .* DIFFERS\n/)
    assert.strictEqual(text.match(/DIFFERS/g)?.length, 1)
  })
})

describe("unsupported", () => {
  it("names the key that real packets do not support", () => {
    const lines = 'nodes = 5\nduration = "1m"\n'
    const dht = "dht = { nodes = 40, "
    assert.isUndefined(unsupported(read(`${lines}${dht}lost_gets = 0.19, lost_puts = 0.1, dead = 0.1 }\n`)))
    for (const [given, key] of [
      ["", "dht.nodes"],
      ['dht = { model = "mainline" }', "dht.model"],
      [`${dht}lost_gets = 0.19 }`, "dht.lost_puts"],
      [`${dht}stale = 0.1 }`, "dht.stale"],
      [`${dht}keep_first = 0.5 }`, "dht.keep_first"],
      [`${dht}hostile = { every = "5s" } }`, "dht.hostile"],
      ["dht = { nodes = 40 }\nlinks = { nat = 0.5 }", "links.nat"],
    ] as const) {
      assert.match(unsupported(read(`${lines}${given}\n`)) ?? "nothing", new RegExp(`^${key}: not with --sockets: `))
    }
  })
})
