import { assert, describe, it } from "@effect/vitest"
import { EndpointId } from "@topic-tracker/crypto"
import { acrossSplit, apartFromUs, outsideBubble, peersOf } from "../../src/topic/candidates.ts"
import type { GossipRecord } from "../../src/topic/Session.ts"

const id = (n: number) => EndpointId.fromBytes(new Uint8Array(32).fill(n))
const hash = (n: number) => new Uint8Array(32).fill(n)
const self = id(1)

const record = (
  from: number,
  activePeers: ReadonlyArray<number>,
  hashes: ReadonlyArray<number> = [],
): GossipRecord => ({
  unixMinute: 1n,
  endpointId: id(from),
  content: { activePeers: activePeers.map(id), lastMessageHashes: hashes.map(hash) },
  bytes: new Uint8Array(),
})

describe("candidates", () => {
  it("a record names its publisher first, then its neighbours, each once, never ourselves", () => {
    assert.deepStrictEqual(peersOf(record(2, [3, 1, 2, 3, 4]), self), [2, 3, 4].map(id))
  })

  it("few neighbours: everybody named who is not one of them; enough neighbours: nobody", () => {
    const records = [record(2, [3, 4]), record(3, [1, 5])]
    assert.deepStrictEqual(outsideBubble(records, self, new Set([id(3)]), 4), [2, 4, 5].map(id))
    assert.deepStrictEqual(outsideBubble(records, self, new Set([6, 7, 8, 9].map(id)), 4), [])
    assert.deepStrictEqual(outsideBubble([], self, new Set(), 4), [])
  })

  it("apart from us: who is named by records that lead to us over no chain of names", () => {
    const neighbors = new Set([id(2), id(3)])
    const chain = [record(6, [5]), record(5, [4]), record(4, [2, 7])]
    assert.deepStrictEqual(apartFromUs(chain, self, neighbors), [], "6 names 5, 5 names 4, and 4 our neighbour")
    assert.deepStrictEqual(apartFromUs([record(9, [1])], self, neighbors), [], "9 names us")
    assert.deepStrictEqual(apartFromUs([...chain, record(8, [9, 10])], self, neighbors), [8, 9, 10].map(id))
    assert.deepStrictEqual(apartFromUs([], self, neighbors), [])
    assert.deepStrictEqual(apartFromUs([record(8, [])], self, neighbors), [], "8 was looking for a neighbour")
  })

  it("no message in common: the record's publisher and its neighbours, whatever the number of ours", () => {
    const ours = [hash(100), hash(101)]
    const neighbors = new Set([2, 3, 4, 5, 6].map(id))
    const apart = record(7, [8, 2], [102])
    const near = record(9, [10], [103, 101])
    const silent = record(11, [12], [])
    assert.deepStrictEqual(acrossSplit([apart, near, silent], self, neighbors, ours), [7, 8].map(id))
    assert.deepStrictEqual(acrossSplit([apart], self, neighbors, []), [], "we have heard nothing: no sign of a split")
  })
})
