import { assert, describe, it } from "@effect/vitest"
import { Deliveries, quantile } from "../../src/topics/Deliveries.ts"
import { Swarm } from "../../src/topics/Swarm.ts"

const link = (swarm: Swarm, a: number, b: number) => {
  swarm.up(a, b)
  swarm.up(b, a)
}

describe("Swarm", () => {
  it("counts groups of nodes that reach each other over links which both ends see", () => {
    const swarm = new Swarm()
    for (const node of [0, 1, 2, 3, 4]) swarm.add(node)
    assert.strictEqual(swarm.bubbles(), 5)
    link(swarm, 0, 1)
    link(swarm, 2, 3)
    swarm.up(1, 2)
    assert.strictEqual(swarm.bubbles(), 3, "1 sees 2, but 2 does not see 1")
    swarm.up(2, 1)
    assert.strictEqual(swarm.bubbles(), 2)
    assert.deepStrictEqual(swarm.links(), [
      [0, 1],
      [1, 2],
      [2, 3],
    ])
    swarm.remove(1)
    assert.strictEqual(swarm.bubbles(), 3, "0, 2 with 3, and 4")
    swarm.down(3, 2)
    assert.strictEqual(swarm.bubbles(), 4)
    assert.deepStrictEqual(swarm.nodes(), [0, 2, 3, 4])
    assert.strictEqual(swarm.newNeighbors, 6)
  })

  it("is not disturbed by what nodes that are gone still say", () => {
    const swarm = new Swarm()
    swarm.add(0)
    swarm.add(1)
    link(swarm, 0, 1)
    swarm.remove(1)
    swarm.up(1, 0)
    swarm.remove(1)
    assert.strictEqual(swarm.size, 1)
    assert.strictEqual(swarm.bubbles(), 1)
  })
})

describe("Deliveries", () => {
  it("counts each node that was there and stayed once, and neither the sender nor later ones", () => {
    const deliveries = new Deliveries()
    deliveries.broadcast("m0", 1_000, 0, [0, 1, 2, 3])
    deliveries.received("m0", 1_010, 1, 1)
    deliveries.received("m0", 1_050, 1, 3)
    deliveries.received("m0", 1_030, 2, 2)
    deliveries.received("m0", 1_030, 9, 2)
    deliveries.received("other", 1_030, 1, 2)
    deliveries.gone(3, 4_000)
    const { delivered, expected, hops, latency_ms, share } = deliveries.figures()
    assert.deepStrictEqual([expected, delivered, share], [2, 2, 1])
    assert.deepStrictEqual(latency_ms, { p50: 30, p99: 30, max: 30 })
    assert.strictEqual(hops.max, 2)
    deliveries.broadcast("m1", 5_000, 0, [0, 1])
    assert.deepStrictEqual(deliveries.figures().share, 2 / 3)
  })

  it("has no share of nothing", () => {
    assert.isNull(new Deliveries().figures().share)
    assert.strictEqual(quantile(new Float64Array(), 0.5), 0)
    assert.strictEqual(quantile(Float64Array.of(1, 2, 3, 4), 0.5), 2)
    assert.strictEqual(quantile(Float64Array.of(1, 2, 3, 4), 1), 4)
  })
})
