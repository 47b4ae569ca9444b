import { assert, describe, it } from "@effect/vitest"
import { RoundTrips } from "../src/krpc/RoundTrips.ts"

const make = (options: Partial<ConstructorParameters<typeof RoundTrips>[0]> = {}) =>
  new RoundTrips({ floor: 10, ceiling: 2000, initial: 500, capacity: 3, ...options })

describe("RoundTrips", () => {
  it("waits the initial time until the first measurement", () => {
    assert.strictEqual(make().timeout("a"), 500)
    assert.strictEqual(make({ ceiling: 300 }).timeout("a"), 300)
  })

  it("starts as in RFC 6298, 2.2: the first sample plus four times its half", () => {
    const roundTrips = make()
    roundTrips.answered("a", 100)
    assert.strictEqual(roundTrips.timeout("a"), 100 + 4 * 50)
  })

  it("follows RFC 6298, 2.3: gain 1/4 for the deviation, then 1/8 for the mean", () => {
    const roundTrips = make()
    roundTrips.answered("a", 100)
    roundTrips.answered("a", 180)
    // rttvar = 3/4·50 + 1/4·80 = 57.5; srtt = 7/8·100 + 1/8·180 = 110
    assert.strictEqual(roundTrips.timeout("a"), 110 + 4 * 57.5)
  })

  it("an answer is late after one and a half round trips, never after the time-out", () => {
    const roundTrips = make()
    assert.strictEqual(roundTrips.lateAfter("a"), 500)
    roundTrips.answered("a", 100)
    assert.strictEqual(roundTrips.lateAfter("a"), 150)
    assert.strictEqual(roundTrips.lateAfter("unknown"), 150)
    // All answers take equally long: then the time-out is shorter.
    for (let i = 0; i < 100; i++) roundTrips.answered("b", 200)
    assert.strictEqual(roundTrips.lateAfter("b"), roundTrips.timeout("b"))
    assert.isBelow(roundTrips.lateAfter("b"), 300)
    const fast = make()
    for (let i = 0; i < 50; i++) fast.answered("a", 1)
    assert.strictEqual(fast.lateAfter("a"), 10)
  })

  it("falls to the floor for a steady fast node", () => {
    const roundTrips = make()
    for (let i = 0; i < 50; i++) roundTrips.answered("a", 1)
    assert.strictEqual(roundTrips.timeout("a"), 10)
  })

  it("uses the times of all nodes for an unknown one, and its own times for a known one", () => {
    const roundTrips = make()
    for (let i = 0; i < 50; i++) roundTrips.answered("fast", 20)
    assert.approximately(roundTrips.timeout("unknown"), 20, 1)
    for (let i = 0; i < 50; i++) roundTrips.answered("slow", 400)
    assert.approximately(roundTrips.timeout("fast"), 20, 1)
    assert.approximately(roundTrips.timeout("slow"), 400, 1)
    assert.isAbove(roundTrips.timeout("unknown"), 300)
  })

  it("is not raised for an unknown node by a few nodes that answer slowly", () => {
    const roundTrips = make({ capacity: 100 })
    for (let i = 0; i < 64; i++) roundTrips.answered(`honest ${i}`, 100 + i)
    const before = roundTrips.timeout("unknown")
    for (let i = 0; i < 15; i++) roundTrips.answered(`sybil ${i}`, 1900)
    assert.isAtMost(roundTrips.timeout("unknown"), 1.5 * before)
    // Nodes that all answer slowly are waited for.
    for (let i = 0; i < 64; i++) roundTrips.answered(`far ${i}`, 1000)
    assert.isAtLeast(roundTrips.timeout("unknown"), 1000)
  })

  it("doubles for a known node that was lost, up to the ceiling, and returns to normal with its next answer", () => {
    const roundTrips = make()
    roundTrips.answered("a", 100)
    roundTrips.lost("a")
    assert.strictEqual(roundTrips.timeout("a"), 600)
    for (let i = 0; i < 40; i++) roundTrips.lost("a")
    assert.strictEqual(roundTrips.timeout("a"), 2000)
    roundTrips.answered("a", 100)
    assert.isBelow(roundTrips.timeout("a"), 300)
  })

  it("gives a node that never answered no more time after another loss", () => {
    const roundTrips = make()
    roundTrips.answered("a", 100)
    for (let i = 0; i < 5; i++) roundTrips.lost("dead")
    assert.strictEqual(roundTrips.timeout("dead"), 300)
  })

  it("forgets the address with the oldest answer beyond its capacity", () => {
    const roundTrips = make()
    for (const address of ["a", "b", "c", "a", "d"]) roundTrips.answered(address, 100)
    assert.strictEqual(roundTrips.size, 3)
    roundTrips.lost("b")
    roundTrips.lost("a")
    // Only "a" is still known, so only its time doubled.
    assert.isAbove(roundTrips.timeout("a"), roundTrips.timeout("b"))
  })
})
