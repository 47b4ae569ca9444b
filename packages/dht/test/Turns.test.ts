import { assert, describe, it } from "@effect/vitest"
import { type Asker, Turns } from "../src/walk/Turns.ts"

/** Asks so many queries, each noted under its name. */
const asker = (name: string, queries: number, asked: Array<string>, ahead = false): Asker => {
  let left = queries
  return {
    ahead,
    askOne: () => {
      if (left === 0) return false
      left--
      asked.push(name)
      return true
    },
  }
}

describe("Turns", () => {
  it("askers take turns, and no more queries are open than may be", () => {
    const asked: Array<string> = []
    const turns = new Turns(3)
    for (const name of ["a", "b"]) turns.schedule(asker(name, 3, asked))
    assert.deepStrictEqual(asked, ["a", "a", "a"])
    assert.strictEqual(turns.open, 3)
    for (let i = 0; i < 3; i++) turns.release()
    assert.deepStrictEqual(asked.slice(3), ["b", "b", "b"])
    for (let i = 0; i < 3; i++) turns.release()
    assert.strictEqual(turns.open, 0)
  })

  it("who goes ahead is served before all others, as long as there is something to ask", () => {
    const asked: Array<string> = []
    const turns = new Turns(1)
    for (const name of ["a", "b"]) turns.schedule(asker(name, 3, asked))
    turns.schedule(asker("first", 2, asked, true))
    for (let i = 0; i < 5; i++) turns.release()
    assert.deepStrictEqual(asked, ["a", "first", "first", "a", "b", "a"])
  })

  it("who has left is not asked any more", () => {
    const asked: Array<string> = []
    const turns = new Turns(1)
    turns.schedule(asker("a", 1, asked))
    const leaving = [asker("b", 1, asked), asker("c", 1, asked, true)]
    for (const one of leaving) turns.schedule(one)
    for (const one of leaving) turns.leave(one)
    turns.release()
    assert.deepStrictEqual(asked, ["a"])
  })
})
