import { assert, describe, it } from "@effect/vitest"
import { QueryScheduler, type QuerySource } from "../src/lookup/QueryScheduler.ts"
import { makeGenerator } from "../src/testing/memory/generator.ts"

/** A source with this number of queries; each one adds its name to `asked`. */
const source = (name: string, queries: number, asked: Array<string>, priority = false): QuerySource => {
  let left = queries
  return {
    priority,
    askOne: () => {
      if (left === 0) return false
      left--
      asked.push(name)
      return true
    },
  }
}

describe("QueryScheduler", () => {
  it("sources take turns, and no more queries are open than allowed", () => {
    const asked: Array<string> = []
    const scheduler = new QueryScheduler(3)
    for (const name of ["a", "b"]) scheduler.schedule(source(name, 3, asked))
    assert.deepStrictEqual(asked, ["a", "a", "a"])
    assert.strictEqual(scheduler.open, 3)
    for (let i = 0; i < 3; i++) scheduler.release()
    assert.deepStrictEqual(asked.slice(3), ["b", "b", "b"])
    for (let i = 0; i < 3; i++) scheduler.release()
    assert.strictEqual(scheduler.open, 0)
  })

  it("a source with priority is served before all others as long as it has queries", () => {
    const asked: Array<string> = []
    const scheduler = new QueryScheduler(1)
    for (const name of ["a", "b"]) scheduler.schedule(source(name, 3, asked))
    scheduler.schedule(source("first", 2, asked, true))
    for (let i = 0; i < 5; i++) scheduler.release()
    assert.deepStrictEqual(asked, ["a", "first", "first", "a", "b", "a"])
  })

  it("sources with priority send at most three of four queries while others wait", () => {
    const scheduler = new QueryScheduler(256)
    const asked = { address: 0, record: 0 }
    const open: Array<() => void> = []
    /** A lookup that always has another query to send, and keeps 16 of them open. */
    const lookup = (priority: boolean) => {
      let busy = 0
      const endless: QuerySource = {
        priority,
        askOne: () => {
          if (busy === 16) return false
          busy++
          asked[priority ? "address" : "record"]++
          open.push(() => {
            busy--
            scheduler.release()
            scheduler.schedule(endless)
          })
          return true
        },
      }
      scheduler.schedule(endless)
    }
    for (let i = 0; i < 40; i++) lookup(true)
    for (let i = 0; i < 8; i++) lookup(false)
    const { next } = makeGenerator(1)
    for (let i = 0; i < 100_000; i++) open.splice(Math.floor(next() * open.length), 1)[0]!()
    assert.isAtLeast(asked.record / (asked.record + asked.address), 0.249)
    assert.isAtLeast(asked.address / (asked.record + asked.address), 0.7)
  })

  it("a removed source sends no more queries", () => {
    const asked: Array<string> = []
    const scheduler = new QueryScheduler(1)
    scheduler.schedule(source("a", 1, asked))
    const leaving = [source("b", 1, asked), source("c", 1, asked, true)]
    for (const one of leaving) scheduler.schedule(one)
    for (const one of leaving) scheduler.remove(one)
    scheduler.release()
    assert.deepStrictEqual(asked, ["a"])
  })
})
