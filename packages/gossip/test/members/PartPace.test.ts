import { assert, describe, it } from "@effect/vitest"
import { PartPace } from "@topic-tracker/gossip/members"

/** The parts of 4,000 bytes that go out to so many neighbours from `from` to `to`, in ms, where a timer is late by the time that `late` gives. */
const partsBetween = (pace: PartPace, from: number, to: number, neighbors: number, late = (_: number) => 0): number => {
  let now = from
  let parts = 0
  for (;;) {
    const wait = pace.waitMs(now)
    if (wait > 0) {
      now += wait + late(now)
      pace.noteLate(late(now))
    }
    if (now > to) return parts
    pace.sent(4_000, neighbors, now)
    parts++
  }
}

describe("PartPace", () => {
  it("sends 500 KB a second to all neighbours together, and a few parts at once", () => {
    // 25 of the copies go at once.
    assert.closeTo(partsBetween(new PartPace(), 0, 4_000, 5), 100 + 5, 2)
    assert.closeTo(partsBetween(new PartPace(), 0, 4_000, 1), 500 + 25, 2)
    assert.strictEqual(partsBetween(new PartPace(), 0, 0, 5), 6)
  })

  it("sends no faster in a second message, until nothing was sent for a second", () => {
    const pace = new PartPace()
    partsBetween(pace, 0, 4_000, 5)
    assert.closeTo(partsBetween(pace, 4_500, 8_500, 5), 100, 2)
    assert.closeTo(partsBetween(pace, 10_000, 14_000, 5), 105, 2)
  })

  it("gives way where turns are late, since the processor has enough to do then", () => {
    const pace = new PartPace()
    partsBetween(pace, 0, 400, 5)
    const late = (ms: number) => (from: number) => partsBetween(pace, from, from + 4_000, 5, () => ms)
    // 40 ms for the rate, and three times the delay.
    assert.closeTo(late(40)(400), 4_000 / (40 + 3 * 40), 2)
    // A timer that is late by the grain of a clock costs nothing.
    assert.closeTo(late(1)(5_000), 100, 3)
  })

  it("lets everything go where there is no neighbour", () => {
    const pace = new PartPace()
    for (let i = 0; i < 1_000; i++) {
      assert.strictEqual(pace.waitMs(0), 0)
      pace.sent(4_000, 0, 0)
    }
  })
})
