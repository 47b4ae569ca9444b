/** How long messages take through the swarm, as the state machine measures it from the copies and announcements of neighbours. */
import { assert, describe, it } from "@effect/vitest"
import { addLatencies, LATENCY_BOUNDS_MS, LatencyHistogram } from "../../src/protocol/LatencyHistogram.ts"
import { bytes, gossip, idOf, type Message, Node, topic } from "./node.ts"

const announce = (text: string): Message => ({ _tag: "IHave", messages: [{ id: idOf(text), round: 1 }] })
const broadcast = (node: Node, text: string) =>
  node.handle({ _tag: "Broadcast", topic, content: bytes(text), scope: "swarm" })

const times = ({ state: { latencies } }: Node) => {
  const [echo, secondCopy] = [latencies.echo.now, latencies.secondCopy.now]
  return { echo: [echo.count, echo.sum], secondCopy: [secondCopy.count, secondCopy.sum] }
}

describe("times of copies", () => {
  it("a broadcast of ours: until the first neighbour announces it, or sends it", () => {
    const node = new Node().withNeighbors("a", "b", "c")
    broadcast(node, "one")
    node.now += 12
    node.receive("a", announce("one"))
    node.now += 30
    node.receive("b", announce("one"))
    broadcast(node, "two")
    node.now += 5
    node.receive("c", gossip("two", 3))
    assert.deepStrictEqual(times(node), { echo: [2, 17], secondCopy: [0, 0] })
  })

  it("a message of others: until another neighbour announces it or sends it, not the one that brought it", () => {
    const node = new Node().withNeighbors("a", "b", "c")
    node.receive("a", gossip("one"))
    node.now += 3
    node.receive("a", announce("one"))
    node.receive("a", gossip("one"))
    node.receive("stranger", gossip("one"))
    assert.deepStrictEqual(times(node), { echo: [0, 0], secondCopy: [0, 0] })
    node.now += 4
    node.receive("b", gossip("one", 2))
    node.receive("c", announce("one"))
    assert.deepStrictEqual(times(node), { echo: [0, 0], secondCopy: [1, 7] })
  })

  it("a flood is sampled, and messages that nobody else has are given up", () => {
    const node = new Node().withNeighbors("a", "b")
    for (let i = 0; i < 1_000; i++) {
      node.now += 1
      node.receive("a", gossip(`${i}`))
    }
    // One in 20 ms, and 32 at a time.
    for (let i = 0; i < 1_000; i++) node.receive("b", announce(`${i}`))
    assert.strictEqual(times(node).secondCopy[0], 32)
    node.receive("a", gossip("late"))
    node.now += 10_000
    node.receive("b", announce("late"))
    assert.strictEqual(times(node).secondCopy[0], 32)
    for (let i = 0; i < 40; i++) {
      node.now += 20
      node.receive("a", gossip(`again ${i}`))
    }
    for (let i = 0; i < 40; i++) node.receive("b", announce(`again ${i}`))
    assert.strictEqual(times(node).secondCopy[0], 64)
  })
})

describe("LatencyHistogram", () => {
  it("counts a time up to a bound in the bucket of that bound", () => {
    const histogram = new LatencyHistogram()
    for (const bound of LATENCY_BOUNDS_MS) histogram.add(bound)
    assert.deepStrictEqual(histogram.now.counts, [...LATENCY_BOUNDS_MS.map(() => 1), 0])
    for (const bound of LATENCY_BOUNDS_MS) histogram.add(bound * 1.001)
    assert.deepStrictEqual(histogram.now.counts, [1, ...LATENCY_BOUNDS_MS.slice(1).map(() => 2), 1])
    histogram.add(-1)
    const { count, counts, max, min } = histogram.now
    assert.deepStrictEqual([counts[0], count, min], [2, 35, 0])
    assert.closeTo(max, 16_400, 1)
  })

  it("adds up", () => {
    const [a, b, none] = [new LatencyHistogram(), new LatencyHistogram(), new LatencyHistogram()]
    a.add(3)
    b.add(100)
    b.add(1)
    const sum = addLatencies(a.now, b.now)
    assert.deepInclude(sum, { count: 3, sum: 104, min: 1, max: 100 })
    assert.deepStrictEqual(addLatencies(sum, none.now), sum)
    assert.deepStrictEqual(addLatencies(none.now, sum), sum)
    assert.deepInclude(none.now, { count: 0, min: 0, max: 0 })
  })
})
