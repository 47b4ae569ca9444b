import { assert, describe, it } from "@effect/vitest"
import { Absentees } from "../src/krpc/Absentees.ts"

describe("Absentees", () => {
  it("an address is absent while an answer is overdue, and a minute after it was given up", () => {
    const absentees = new Absentees()
    assert.isFalse(absentees.has("a", 0))
    absentees.slow("a")
    assert.isTrue(absentees.has("a", 1e9))
    absentees.lost("a", undefined, 1000)
    assert.isTrue(absentees.has("a", 60_999))
    assert.isFalse(absentees.has("a", 61_000))
  })

  it("an address that has answered before may miss one query", () => {
    const absentees = new Absentees()
    absentees.slow("a")
    absentees.lost("a", 1, 1000)
    assert.isFalse(absentees.has("a", 1000))
    absentees.lost("a", 2, 2000)
    assert.isTrue(absentees.has("a", 2001))
  })

  it("an answer makes it present, and so does a failure of our own network", () => {
    const absentees = new Absentees()
    absentees.slow("a")
    absentees.slow("b")
    absentees.answered("a")
    assert.isFalse(absentees.has("a", 0))
    assert.isTrue(absentees.has("b", 0))
    absentees.forget()
    assert.isFalse(absentees.has("b", 0))
  })

  it("remembers the latest 4,096", () => {
    const absentees = new Absentees()
    for (let i = 0; i <= 4096; i++) absentees.lost(String(i), undefined, 0)
    assert.isFalse(absentees.has("0", 1))
    assert.isTrue(absentees.has("1", 1))
  })
})
