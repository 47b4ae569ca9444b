/** The scenarios of `sim:presence` on a small swarm: they measure what they say, hold their limits, and can fail. */
import { assert, describe, it } from "@effect/vitest"
import { defaultConfig } from "@topic-tracker/gossip/protocol-config"
import { type Figure, type ScenarioOptions, scenarios } from "../../src/presence/scenarios.ts"

const run = (name: keyof typeof scenarios, options: Partial<ScenarioOptions> = {}) =>
  scenarios[name]({ nodes: 48, seed: 1n, loss: 0, hours: 0.2, isControl: false, protocol: defaultConfig, ...options })

const valueOf = (figures: ReadonlyArray<Figure>, name: string): number => {
  const figure = figures.find((each) => each.name.startsWith(name))
  if (figure === undefined) throw new Error(`no figure ${name}: ${figures.map((each) => each.name).join(", ")}`)
  return figure.value
}

const overLimit = (figures: ReadonlyArray<Figure>) =>
  figures.filter(({ limit, value }) => limit !== undefined && !(value <= limit)).map(({ name }) => name)

describe("sim:presence", () => {
  for (const name of ["cold", "leave", "crash", "split"] as const) {
    it(`${name}: its limits hold`, () => {
      assert.deepStrictEqual(overLimit(run(name)), [])
    })
  }

  it("leave: a link takes at least 10 ms, and the goodbye some links", () => {
    assert.isAtLeast(valueOf(run("leave"), "leave known, p50"), 20)
  })

  it("crash: nobody knows before the connection breaks, 10 s after the last packet at the earliest", () => {
    assert.isAtLeast(valueOf(run("crash"), "crash known, p50"), 10_000)
  })

  it("false: connections that break and lost packets make no member depart", () => {
    const figures = run("false", { loss: 0.1, hours: 1 })
    assert.strictEqual(valueOf(figures, "member-hours"), 48)
    assert.isAtLeast(valueOf(figures, "connections broken"), 3)
    assert.deepStrictEqual(overLimit(figures), [])
  })

  it("bytes: the parts make the sum, twice the members cost as much while nobody comes or goes, and the control far more", () => {
    const small = run("bytes")
    assert.deepStrictEqual(overLimit(small), [])
    const parts = small.filter(({ name }) => name.startsWith("- ") && name !== "- membership")
    const sum = parts.reduce((total, { value }) => total + value, 0)
    assert.approximately(sum, valueOf(small, "presence, members stay an hour"), 0.01)
    const idle = (options: Partial<ScenarioOptions>) => valueOf(run("bytes", options), "presence, idle")
    const ours = valueOf(small, "presence, idle")
    assert.approximately(idle({ nodes: 96 }), ours, 6)
    const control = idle({ isControl: true })
    assert.isAbove(control, 10 * ours)
  })

  it("the same seed gives the same figures, another one others", () => {
    assert.deepStrictEqual(run("leave", { seed: 7n }), run("leave", { seed: 7n }))
    assert.notDeepEqual(run("leave", { seed: 7n }), run("leave", { seed: 8n }))
  })
})
