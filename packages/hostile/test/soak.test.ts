import { assert, describe, it } from "@effect/vitest"
import { median, slope } from "../src/soak/slope.ts"
import { Tally } from "../src/soak/Tally.ts"

describe("the tally of a soak", () => {
  it("counts lost messages and those that came twice, for each pair", () => {
    const tally = new Tally([
      ["one", "aaaaaaaa"],
      ["two", "bbbbbbbb"],
    ])
    tally.addTraffic("aaaaaaaa", {
      sent: [
        [0, 0],
        [1, 0],
        [2, 0],
      ],
      heard: [["bbbbbbbb", 7, 1]],
      lagged: 0,
    })
    tally.addSent("bbbbbbbb", [7])
    tally.addHeard("bbbbbbbb", [["aaaaaaaa", 0, 5]])
    tally.addHeard("bbbbbbbb", [
      ["aaaaaaaa", 0, 90],
      ["aaaaaaaa", 2, 5],
    ])
    assert.deepStrictEqual(tally.pairs(), [
      { from: "one", to: "two", sent: 3, received: 2, lost: 1, twice: 1 },
      { from: "two", to: "one", sent: 1, received: 1, lost: 0, twice: 0 },
    ])
  })
})

describe("the slope of samples", () => {
  it("is that of the line through them", () => {
    const samples = [0, 10, 20, 30].map((at) => ({ at, value: 5 + 0.5 * at }))
    assert.closeTo(slope(samples), 0.5, 1e-9)
    assert.strictEqual(slope(samples.slice(0, 1)), 0)
  })

  it("ignores noise around a constant", () => {
    assert.closeTo(slope([3, 5, 5, 3].map((value, at) => ({ at, value }))), 0, 1e-9)
    assert.strictEqual(median([3, 1, 2]), 2)
  })
})
