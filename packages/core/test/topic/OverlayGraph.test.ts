import { assert, describe, it } from "@effect/vitest"
import { Timers } from "@topic-tracker/common"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { SwarmLinks } from "../../src/topic/knowledge/OverlayGraph.ts"
import { id, record } from "./records.ts"

const self = id(1)

const reached = (links: SwarmLinks, ...records: ReadonlyArray<ReturnType<typeof record>>) =>
  [...links.reachableFrom([self, id(2)], records)].sort()

const ids = (...numbers: ReadonlyArray<number>) => numbers.map(id).sort()

describe("SwarmLinks", () => {
  it.effect("records lead on, in whatever order they were read, both ways and over those of other looks", () =>
    Effect.gen(function* () {
      const links = new SwarmLinks(yield* Timers.make)
      assert.deepStrictEqual(reached(links, record(6, [5]), record(5, [4]), record(4, [2, 7])), ids(1, 2, 4, 5, 6, 7))
      assert.deepStrictEqual(reached(links, record(5, [4]), record(9, [10])), ids(1, 2), "what is read now is not kept")
      links.named(record(4, [2, 7]))
      assert.deepStrictEqual(reached(links, record(5, [4]), record(9, [10])), ids(1, 2, 4, 5, 7))
      assert.deepStrictEqual(reached(links, record(8, [1])), ids(1, 2, 4, 7, 8))
    }),
  )

  it.effect("who was a neighbour leads on", () =>
    Effect.gen(function* () {
      const links = new SwarmLinks(yield* Timers.make)
      links.parted(id(3))
      assert.deepStrictEqual(reached(links, record(5, [3, 6])), ids(1, 2, 3, 5, 6))
    }),
  )

  it.effect("a link holds for two minutes, and none does that may be cut", () =>
    Effect.gen(function* () {
      const links = new SwarmLinks(yield* Timers.make)
      links.named(record(4, [2]))
      links.parted(id(3))
      yield* TestClock.adjust("119 seconds")
      assert.deepStrictEqual(reached(links), ids(1, 2, 3, 4))
      links.named(record(5, [2]))
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(reached(links), ids(1, 2, 5))
      links.clear()
      assert.deepStrictEqual(reached(links), ids(1, 2))
    }),
  )

  it.effect("the latest record of a node is what counts, and of thousands of nodes the latest few hundred", () =>
    Effect.gen(function* () {
      const links = new SwarmLinks(yield* Timers.make)
      links.named(record(4, [2]))
      links.named(record(4, [9]))
      assert.deepStrictEqual(reached(links), ids(1, 2))
      links.named(record(3, [2]))
      for (let n = 0; n < 5_000; n++) links.named(record(1_000 + n, [500]))
      assert.deepStrictEqual(reached(links), ids(1, 2))
      assert.lengthOf(reached(links, record(500, [2])), 2 + 1 + 256)
    }),
  )
})
