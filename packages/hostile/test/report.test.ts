import { assert, describe, it } from "@effect/vitest"
import { attacks } from "../src/attacks/index.ts"
import { atLeast, atMost, type Figure, holds } from "../src/harness/Attack.ts"
import { SKIPPED, table, toJson } from "../src/harness/report.ts"

describe("a figure", () => {
  it("holds on its side of the limit, the limit included", () => {
    assert.isTrue(holds(atMost("", 10, "s", 10)))
    assert.isFalse(holds(atMost("", 10.1, "s", 10)))
    assert.isTrue(holds(atLeast("", 90, "%", 90)))
    assert.isFalse(holds(atLeast("", 89.9, "%", 90)))
  })

  it("does not hold if it was not measured", () => {
    const figure: Figure = { ...atMost("", 0, "", 0), value: undefined }
    assert.isFalse(holds(figure))
    assert.deepStrictEqual(toJson({ attack: "eclipse", figure, failure: SKIPPED }), {
      name: "eclipse",
      value: null,
      unit: "",
      limit: 0,
      holds: false,
      failure: SKIPPED,
    })
  })
})

describe("the table", () => {
  it("fits 60 columns for every attack", () => {
    const outcomes = attacks.flatMap(({ name }) => [
      { attack: name, figure: atMost("of 16 characters", 1_234, "KB/s", 110) },
      { attack: name, figure: { ...atMost("", 0, "", 0), value: undefined }, failure: SKIPPED },
    ])
    const lines = table(outcomes).split("\n")
    assert.isAtMost(Math.max(...lines.map(({ length }) => length)), 60)
    assert.strictEqual(lines.length, outcomes.length + 1)
    assert.include(lines[2], "skipped")
  })

  it("has attacks with names of their own", () => {
    assert.strictEqual(new Set(attacks.map(({ name }) => name)).size, attacks.length)
  })
})
