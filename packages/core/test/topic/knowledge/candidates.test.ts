import { assert, describe, it } from "@effect/vitest"
import { Bytes } from "@topic-tracker/common"
import {
  bubbleCandidates,
  nameFewMembers,
  partitionCandidates,
  peersOf,
  unreachableCandidates,
} from "../../../src/topic/knowledge/candidates.ts"
import { hash, id, record } from "../records.ts"

const self = id(1)

describe("candidates", () => {
  it("the peers of a record are its publisher, then its neighbours, each once, without this node", () => {
    assert.deepStrictEqual(peersOf(record(2, [3, 1, 2, 3, 4]), self), [2, 3, 4].map(id))
  })

  it("with few neighbours all peers that are no neighbours are candidates; with enough, none is", () => {
    const records = [record(2, [3, 4]), record(3, [1, 5])]
    assert.deepStrictEqual(bubbleCandidates(records, self, new Set([id(3)]), 4), [2, 4, 5].map(id))
    assert.deepStrictEqual(bubbleCandidates(records, self, new Set([6, 7, 8, 9].map(id)), 4), [])
    assert.deepStrictEqual(bubbleCandidates([], self, new Set(), 4), [])
  })

  it("records without three members are of no swarm that knows itself: a node stands for each stranger itself", () => {
    assert.isTrue(nameFewMembers([]))
    assert.isTrue(nameFewMembers([record(2, [2, 2, 2, 2, 2]), record(3, [4, 5, 3, 3])]))
    assert.isFalse(nameFewMembers([record(2, [2]), record(3, [4, 5, 6])]))
  })

  it("the peers of records that no link connects with us are candidates", () => {
    const neighbors = new Set([id(2), id(3)])
    const candidates = (records: ReadonlyArray<ReturnType<typeof record>>, ...reachable: ReadonlyArray<number>) =>
      unreachableCandidates(records, self, neighbors, new Set([self, ...neighbors, ...reachable.map(id)]))
    assert.deepStrictEqual(candidates([record(6, [5])], 5), [])
    assert.deepStrictEqual(candidates([record(6, [5])], 6), [])
    assert.deepStrictEqual(candidates([record(9, [1])]), [], "9 names us")
    assert.deepStrictEqual(candidates([record(6, [5]), record(8, [9, 10])], 5), [8, 9, 10].map(id))
    assert.deepStrictEqual(candidates([]), [])
    assert.deepStrictEqual(candidates([record(8, [])]), [], "8 was searching for a neighbour")
  })

  it("the peers of records without a common message are candidates, however many neighbours we have", () => {
    const ours = new Set([hash(100), hash(101)].map(Bytes.toHex))
    const neighbors = new Set([2, 3, 4, 5, 6].map(id))
    const distant = record(7, [8, 2], [102])
    const near = record(9, [10], [103, 101])
    const silent = record(11, [12], [])
    const knowing = { isKnown: (hash: Uint8Array) => ours.has(Bytes.toHex(hash)), isConclusive: () => true }
    assert.deepStrictEqual(partitionCandidates([distant, near, silent], self, neighbors, knowing), [7, 8].map(id))
    assert.deepStrictEqual(
      partitionCandidates([distant], self, neighbors, { ...knowing, isConclusive: () => false }),
      [],
    )
  })
})
