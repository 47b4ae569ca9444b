import { assert, describe, it } from "@effect/vitest"
import { EarlyEvents } from "../../src/members/EarlyEvents.ts"

describe("EarlyEvents", () => {
  it("gives the events of a channel once, in order", () => {
    const early = new EarlyEvents<number>()
    early.add("a", 1, 10)
    early.add("b", 2, 10)
    early.add("a", 3, 10)
    assert.deepStrictEqual(early.take("a"), { events: [1, 3], skipped: 0 })
    assert.deepStrictEqual(early.take("a"), { events: [], skipped: 0 })
    assert.deepStrictEqual(early.take("b"), { events: [2], skipped: 0 })
  })

  it("drops the oldest events of the largest channel over 1 MiB in all, and counts them", () => {
    const early = new EarlyEvents<number>()
    early.add("small", 0, 100)
    for (let i = 0; i < 3_000; i++) early.add("large", i, 100_000)
    assert.deepStrictEqual(early.take("small"), { events: [0], skipped: 0 })
    const { events, skipped } = early.take("large")
    // 1,048,576 bytes have room for ten messages of 100,000 bytes, with what each costs beside.
    assert.deepStrictEqual(events, [2990, 2991, 2992, 2993, 2994, 2995, 2996, 2997, 2998, 2999])
    assert.strictEqual(skipped, 2_990)
  })

  it("keeps no more than 64 channels, until one is taken", () => {
    const early = new EarlyEvents<number>()
    for (let i = 0; i < 70; i++) early.add(`${i}`, i, 0)
    assert.deepStrictEqual(early.take("64").events, [])
    assert.deepStrictEqual(early.take("63").events, [63])
    early.add("64", 64, 0)
    assert.deepStrictEqual(early.take("64").events, [64])
  })
})
