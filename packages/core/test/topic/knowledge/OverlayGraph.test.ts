import { assert, describe, it } from "@effect/vitest"
import { Timers } from "@topic-tracker/common"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { OverlayGraph } from "../../../src/topic/knowledge/OverlayGraph.ts"
import { id, record } from "../records.ts"

const self = id(1)

const reached = (graph: OverlayGraph, ...records: ReadonlyArray<ReturnType<typeof record>>) =>
  [...graph.reachableFrom([self, id(2)], records)].sort()

const ids = (...numbers: ReadonlyArray<number>) => numbers.map(id).sort()

describe("OverlayGraph", () => {
  it.effect("follows the links of records in any order, in both directions, and those of earlier lookups", () =>
    Effect.gen(function* () {
      const graph = new OverlayGraph(yield* Timers.make)
      assert.deepStrictEqual(reached(graph, record(6, [5]), record(5, [4]), record(4, [2, 7])), ids(1, 2, 4, 5, 6, 7))
      assert.deepStrictEqual(reached(graph, record(5, [4]), record(9, [10])), ids(1, 2), "what is read now is not kept")
      graph.addRecord(record(4, [2, 7]))
      assert.deepStrictEqual(reached(graph, record(5, [4]), record(9, [10])), ids(1, 2, 4, 5, 7))
      assert.deepStrictEqual(reached(graph, record(8, [1])), ids(1, 2, 4, 7, 8))
    }),
  )

  it.effect("follows the links of former neighbours", () =>
    Effect.gen(function* () {
      const graph = new OverlayGraph(yield* Timers.make)
      graph.addFormerNeighbor(id(3))
      assert.deepStrictEqual(reached(graph, record(5, [3, 6])), ids(1, 2, 3, 5, 6))
    }),
  )

  it.effect("uses a link for two minutes, and none after `clear`", () =>
    Effect.gen(function* () {
      const graph = new OverlayGraph(yield* Timers.make)
      graph.addRecord(record(4, [2]))
      graph.addFormerNeighbor(id(3))
      yield* TestClock.adjust("119 seconds")
      assert.deepStrictEqual(reached(graph), ids(1, 2, 3, 4))
      graph.addRecord(record(5, [2]))
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(reached(graph), ids(1, 2, 5))
      graph.clear()
      assert.deepStrictEqual(reached(graph), ids(1, 2))
    }),
  )

  it.effect("keeps the latest record of a node, and of the latest few hundred nodes", () =>
    Effect.gen(function* () {
      const graph = new OverlayGraph(yield* Timers.make)
      graph.addRecord(record(4, [2]))
      graph.addRecord(record(4, [9]))
      assert.deepStrictEqual(reached(graph), ids(1, 2))
      graph.addRecord(record(3, [2]))
      for (let n = 0; n < 5_000; n++) graph.addRecord(record(1_000 + n, [500]))
      assert.deepStrictEqual(reached(graph), ids(1, 2))
      assert.lengthOf(reached(graph, record(500, [2])), 2 + 1 + 256)
    }),
  )
})
