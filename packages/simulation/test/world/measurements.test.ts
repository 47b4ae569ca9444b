import { assert, describe, it } from "@effect/vitest"
import { Deliveries } from "../../src/world/Deliveries.ts"
import { quantile } from "../../src/world/distribution.ts"
import { NeighborGraph } from "../../src/world/NeighborGraph.ts"

const link = (graph: NeighborGraph, a: number, b: number) => {
  graph.addNeighbor(a, b)
  graph.addNeighbor(b, a)
}

describe("NeighborGraph", () => {
  it("counts connected components over links that both ends report", () => {
    const graph = new NeighborGraph()
    for (const node of [0, 1, 2, 3, 4]) graph.addNode(node)
    assert.strictEqual(graph.components(), 5)
    link(graph, 0, 1)
    link(graph, 2, 3)
    graph.addNeighbor(1, 2)
    assert.strictEqual(graph.components(), 3, "1 sees 2, but 2 does not see 1")
    graph.addNeighbor(2, 1)
    assert.strictEqual(graph.components(), 2)
    assert.deepStrictEqual(graph.links(), [
      [0, 1],
      [1, 2],
      [2, 3],
    ])
    graph.removeNode(1)
    assert.strictEqual(graph.components(), 3, "0, 2 with 3, and 4")
    graph.removeNeighbor(3, 2)
    assert.strictEqual(graph.components(), 4)
    assert.deepStrictEqual(graph.nodes(), [0, 2, 3, 4])
    assert.strictEqual(graph.newNeighbors, 6)
  })

  it("ignores reports of nodes that have left", () => {
    const graph = new NeighborGraph()
    graph.addNode(0)
    graph.addNode(1)
    link(graph, 0, 1)
    graph.removeNode(1)
    graph.addNeighbor(1, 0)
    graph.removeNode(1)
    assert.strictEqual(graph.size, 1)
    assert.strictEqual(graph.components(), 1)
  })
})

describe("Deliveries", () => {
  it("counts each node that was there and stayed once, but neither the sender nor later nodes", () => {
    const deliveries = new Deliveries()
    deliveries.recordBroadcast("m0", 1_000, 0, [0, 1, 2, 3])
    deliveries.recordReception("m0", 1_010, 1, 1)
    deliveries.recordReception("m0", 1_050, 1, 3)
    deliveries.recordReception("m0", 1_030, 2, 2)
    deliveries.recordReception("m0", 1_030, 9, 2)
    deliveries.recordReception("other", 1_030, 1, 2)
    deliveries.recordDeparture(3, 4_000)
    const { delivered, expected, hops, latency_ms, share } = deliveries.figures()
    assert.deepStrictEqual([expected, delivered, share], [2, 2, 1])
    assert.deepStrictEqual(latency_ms, { p50: 30, p99: 30, max: 30 })
    assert.strictEqual(hops.max, 2)
    deliveries.recordBroadcast("m1", 5_000, 0, [0, 1])
    assert.deepStrictEqual(deliveries.figures().share, 2 / 3)
  })

  it("has no share if nothing was expected", () => {
    assert.isNull(new Deliveries().figures().share)
    assert.strictEqual(quantile(new Float64Array(), 0.5), 0)
    assert.strictEqual(quantile(Float64Array.of(1, 2, 3, 4), 0.5), 2)
    assert.strictEqual(quantile(Float64Array.of(1, 2, 3, 4), 1), 4)
  })
})
