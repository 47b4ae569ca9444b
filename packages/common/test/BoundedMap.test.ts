import { assert, describe, it } from "@effect/vitest"
import { BoundedMap } from "../src/index.ts"

describe("BoundedMap", () => {
  it("drops the entry that was set longest ago", () => {
    const map = new BoundedMap<string, number>(2)
    map.set("a", 1).set("b", 2).set("a", 3).set("c", 4)
    assert.deepStrictEqual(
      [...map],
      [
        ["a", 3],
        ["c", 4],
      ],
    )
  })

  it("keeps the entry that was touched last", () => {
    const map = new BoundedMap<string, number>(2)
    map.set("a", 1).set("b", 2)
    assert.strictEqual(map.touch("a"), 1)
    assert.isUndefined(map.touch("none"))
    map.set("c", 3)
    assert.deepStrictEqual([...map.keys()], ["a", "c"])
  })

  it("refuses a capacity that is not a whole number of at least 1", () => {
    for (const capacity of [0, -1, 1.5, Number.NaN]) assert.throws(() => new BoundedMap(capacity), /capacity: /)
  })
})
