import { assert, describe, it } from "@effect/vitest"
import { Xoshiro128 } from "@topic-tracker/gossip/stateMachine"
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

describe("components after each of many changes", () => {
  it("are those that a search from each node finds", () => {
    const rng = new Xoshiro128(7n)
    for (let run = 0; run < 30; run++) {
      const graph = new NeighborGraph()
      const here = new Map<number, Set<number>>()
      for (let step = 0; step < 120; step++) {
        const [node, peer, what] = [rng.nextInt(8), rng.nextInt(8), rng.nextInt(10)]
        if (what === 0 && !here.has(node)) {
          graph.addNode(node)
          here.set(node, new Set())
        } else if (what === 1 && here.size > 4) {
          graph.removeNode(node)
          here.delete(node)
        } else if (what < 4) {
          graph.removeNeighbor(node, peer)
          here.get(node)?.delete(peer)
        } else if (node !== peer && here.has(node)) {
          graph.addNeighbor(node, peer)
          here.get(node)?.add(peer)
        } else if (!here.has(node)) {
          graph.addNode(node)
          here.set(node, new Set())
        }
        const expected = componentsOf(here)
        assert.strictEqual(graph.isOne(), expected === 1)
        if (step % 3 === 0) assert.strictEqual(graph.components(), expected)
      }
    }
  })

  const componentsOf = (nodes: ReadonlyMap<number, ReadonlySet<number>>): number => {
    const seen = new Set<number>()
    let count = 0
    for (const start of nodes.keys()) {
      if (seen.has(start)) continue
      count++
      const next = [start]
      for (let node = next.pop(); node !== undefined; node = next.pop()) {
        if (seen.has(node)) continue
        seen.add(node)
        for (const peer of nodes.get(node)!) if (nodes.get(peer)?.has(node) === true) next.push(peer)
      }
    }
    return count
  }
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
