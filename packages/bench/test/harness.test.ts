import { assert, describe, it } from "@effect/vitest"
import { result, withGoal } from "../src/harness/Benchmark.ts"
import { ratiosOf, worse } from "../src/harness/baseline.ts"
import { chart } from "../src/harness/chart.ts"
import { formatFigure, quantile, summary } from "../src/harness/figures.ts"
import { markdown, ratio, text } from "../src/harness/table.ts"

const rate = result("a/rate", "1/s", "higher", [90, 110, 100], { peer: 50, missing: undefined })
const time = result("a/time", "ms", "lower", [4], { peer: 8 })

describe("figures", () => {
  it("are minimum, median and maximum in any order of samples", () => {
    assert.deepStrictEqual(summary([3, 1, 2]), { min: 1, median: 2, max: 3, samples: 3 })
    assert.strictEqual(
      quantile(
        Array.from({ length: 101 }, (_, i) => i),
        0.99,
      ),
      99,
    )
    assert.isNaN(summary([]).median)
  })

  it("are formatted with three digits", () => {
    assert.deepStrictEqual([0.01234, 1.234, 12.34, 1234.5].map(formatFigure), ["0.012", "1.23", "12.3", "1,235"])
  })
})

describe("results", () => {
  it("leave out peers that were not measured", () => {
    assert.deepStrictEqual(rate, {
      name: "a/rate",
      value: 100,
      unit: "1/s",
      better: "higher",
      peers: { peer: 50 },
      min: 90,
      max: 110,
      samples: 3,
    })
  })

  it("have a ratio to a peer that is above 1 if ours is better, for both kinds of figures", () => {
    assert.strictEqual(ratio(rate, 50), 2)
    assert.strictEqual(ratio(time, 8), 2)
  })

  it("are tables with a row each and a chart with a bar for each peer", () => {
    assert.lengthOf(text([rate, time]).split("\n"), 3)
    assert.lengthOf(markdown([rate, time]).split("\n"), 4)
    const svg = chart([rate, time])
    assert.isTrue(svg.startsWith("<svg"))
    assert.include(svg, "a/rate / peer")
    assert.include(svg, "a/time / peer")
  })
})

describe("goals", () => {
  it("are a least or a largest value, and a column of the table if there are some", () => {
    assert.deepStrictEqual(withGoal(rate, 100).goal, { limit: 100, holds: true })
    assert.deepStrictEqual(withGoal(rate, 101).goal, { limit: 101, holds: false })
    assert.isTrue(withGoal(time, 4).goal?.holds)
    assert.isFalse(withGoal(time, 3.9).goal?.holds)
    assert.notInclude(text([rate, time]), "goal")
    const [header, first, second] = markdown([withGoal(rate, 101), time])
      .split("\n")
      .filter((_, i) => i !== 1)
    assert.isTrue(header?.endsWith("| goal |"))
    assert.isTrue(first?.endsWith("| at least 101 1/s: no |"))
    assert.isTrue(second?.endsWith("|  |"))
  })
})

describe("the baseline", () => {
  it("holds ratios, and reports those that are much worse and no others", () => {
    const before = ratiosOf([rate, time])
    assert.deepStrictEqual(before, { "a/rate / peer": 2, "a/time / peer": 2 })
    assert.deepStrictEqual(worse(before, before), [])
    assert.deepStrictEqual(worse(before, { "a/rate / peer": 1.3, "new / peer": 0.1 }), [])
    assert.deepStrictEqual(worse(before, { "a/rate / peer": 1.1 }), ["a/rate / peer: ×1.10, was ×2.00"])
  })
})
