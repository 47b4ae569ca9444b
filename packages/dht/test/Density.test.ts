/** The distance in which k nodes are expected, also if an attacker has put nodes beside us. */
import { assert, describe, it } from "@effect/vitest"
import { Density } from "../src/lookup/Density.ts"
import type { DhtNode } from "../src/model.ts"
import { makeGenerator } from "../src/testing/memory/generator.ts"

const K = 20
const own = new Uint8Array(20)

const nodeOf = (id: Uint8Array, port: number): DhtNode => ({ id, host: "10.0.0.1", port })

const expectedAmong = (ids: ReadonlyArray<Uint8Array>) => {
  // As a node names those nearest to us.
  const nearest = ids.toSorted(Buffer.compare).slice(0, K).map(nodeOf)
  const density = new Density({ k: K, id: () => own, nearest: () => nearest, now: () => 0 })
  return density.expectedDistance! / 2 ** 32
}

/** Nodes that agree in their first 40 bits, at this part of the id space. */
const heapAt = (part: number, count: number, bytes: (count: number) => Uint8Array) => {
  const place = Math.floor(part * 2 ** 32)
  return Array.from({ length: count }, () => {
    const id = bytes(20)
    new DataView(id.buffer).setUint32(0, place)
    id[4] = 0
    return id
  })
}

describe("the distance in which 20 of 100 nodes are expected", () => {
  it("is about a fifth of the id space, with every seed", () => {
    for (let seed = 0; seed < 20; seed++) {
      const { bytes } = makeGenerator(seed)
      const expected = expectedAmong(Array.from({ length: 100 }, () => bytes(20)))
      assert.isAtLeast(expected, 0.1, `seed ${seed}`)
      assert.isAtMost(expected, 0.4, `seed ${seed}`)
    }
  })

  it("is hardly less if 24 further nodes lie in a heap near us", () => {
    for (let seed = 0; seed < 20; seed++) {
      const { bytes } = makeGenerator(seed)
      const honest = Array.from({ length: 100 }, () => bytes(20))
      const expected = expectedAmong([...honest, ...heapAt(0.03, 24, bytes)])
      assert.isAtLeast(expected, 0.05, `seed ${seed}`)
    }
  })

  it("is all of the id space if fewer than 20 nodes are known", () => {
    const { bytes } = makeGenerator(1)
    assert.strictEqual(expectedAmong(Array.from({ length: 19 }, () => bytes(20))), 1)
  })
})
