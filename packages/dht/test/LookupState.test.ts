import { assert, describe, it } from "@effect/vitest"
import { Bytes } from "@topic-tracker/common"
import { distance } from "../src/krpc/nodeId.ts"
import type { Candidate } from "../src/lookup/Candidate.ts"
import { LookupState } from "../src/lookup/LookupState.ts"
import type { DhtNode } from "../src/model.ts"
import { makeGenerator } from "../src/testing/memory/generator.ts"

const generator = makeGenerator(20)
const target = generator.bytes(20)
const network = (count: number): Array<DhtNode> =>
  Array.from({ length: count }, (_, i) => ({ id: generator.bytes(20), host: `10.0.${i >> 8}.${i & 255}`, port: 1 }))
const byDistance = (nodes: ReadonlyArray<DhtNode>, to = target) =>
  [...nodes].sort((a, b) => Bytes.compare(distance(a.id, to), distance(b.id, to)))
const key = ({ host }: { readonly host: string }) => host

/** Runs a lookup in a network whose nodes each know 20 of the others near any target. */
const run = (state: LookupState, nodes: ReadonlyArray<DhtNode>, dead: ReadonlySet<string>, alpha = 4) => {
  const byHost = new Map(nodes.map((node) => [node.host, node]))
  const open: Array<Candidate> = []
  for (let turn = 0; turn < 10_000; turn++) {
    while (open.length < alpha) {
      const next = state.next()
      if (next === undefined) break
      open.push(next)
    }
    if (state.finished) return
    const candidate = open.shift()
    assert.isDefined(candidate, "neither finished nor any query open")
    if (dead.has(candidate!.host)) {
      state.slow(candidate!)
      state.lost(candidate!)
    } else {
      const known = nodes.filter((_, i) => (i * 7 + candidate!.port) % 3 > 0)
      state.answered(candidate!, byHost.get(candidate!.host)!.id, new Uint8Array(4), byDistance(known).slice(0, 20))
    }
  }
  assert.fail("the lookup does not end")
}

describe("LookupState", () => {
  it("counts the outcomes at the nearest nodes that were asked, without open queries", () => {
    const nodes = byDistance(network(6))
    const state = new LookupState(target, { k: 6, maxQueries: 256 })
    for (const node of nodes) state.addNode(node)
    const asked = nodes.map(() => state.next()!)
    assert.deepStrictEqual(state.outcomes(6), { answered: 0, silent: 0 })
    state.late(asked[0]!)
    state.lost(asked[1]!)
    state.answered(asked[3]!, asked[3]!.id!, undefined, [])
    state.answered(asked[5]!, asked[5]!.id!, undefined, [])
    assert.deepStrictEqual(state.outcomes(6), { answered: 2, silent: 2 })
    assert.deepStrictEqual(state.outcomes(3), { answered: 1, silent: 2 })
    state.answered(asked[0]!, asked[0]!.id!, undefined, [])
    assert.deepStrictEqual(state.outcomes(6), { answered: 3, silent: 1 })
  })

  it("asks another node in place of one that is late, and takes it back if it answers", () => {
    const nodes = byDistance(network(20))
    const state = new LookupState(target, { k: 4, maxQueries: 256 })
    for (const node of nodes) state.addNode(node)
    const answer = (candidate: Candidate) => state.answered(candidate, candidate.id!, undefined, [])
    const [first, second] = [state.next(2)!, state.next(2)!]
    assert.isUndefined(state.next(2))
    state.late(second)
    const third = state.next(2)!
    assert.strictEqual(third.host, nodes[2]!.host)
    answer(first)
    answer(third)
    assert.isTrue(state.hasNearest(2))
    assert.isFalse(state.finished)
    const others = [state.next(4)!, state.next(4)!]
    assert.deepStrictEqual(
      others.map(key),
      [3, 4].map((i) => nodes[i]!.host),
    )
    for (const other of others) answer(other)
    assert.isTrue(state.finished)
    assert.deepStrictEqual(
      state.closest.map(key),
      [0, 2, 3, 4].map((i) => nodes[i]!.host),
    )
    answer(second)
    assert.deepStrictEqual(
      state.closest.map(key),
      [0, 1, 2, 3].map((i) => nodes[i]!.host),
    )
  })

  it("asks more of the nearest nodes when some were late", () => {
    const nodes = byDistance(network(20))
    const state = new LookupState(target, { k: 20, maxQueries: 256 })
    for (const node of nodes) state.addNode(node)
    state.late(state.next(4)!)
    const asked = Array.from({ length: 20 }, () => state.next(4)).filter((each) => each !== undefined)
    // Of the others, the six nearest: one node was late, and two count as prompt at first.
    assert.deepStrictEqual(
      asked.map(key),
      [1, 2, 3, 4, 5, 6].map((i) => nodes[i]!.host),
    )
  })

  it("waits for late nodes if too few others have answered", () => {
    const nodes = byDistance(network(3))
    const state = new LookupState(target, { k: 4, maxQueries: 256 })
    for (const node of nodes) state.addNode(node)
    const asked = nodes.map(() => state.next()!)
    state.answered(asked[0]!, asked[0]!.id!, undefined, [])
    state.late(asked[1]!)
    state.late(asked[2]!)
    assert.isFalse(state.finished)
    state.slow(asked[1]!)
    assert.isFalse(state.finished)
    state.slow(asked[2]!)
    assert.isTrue(state.finished)
  })

  it("ends with the k closest of the whole network, closest first", () => {
    const nodes = network(300)
    const state = new LookupState(target, { k: 20, maxQueries: 256 })
    state.addNode(nodes[0]!)
    run(state, nodes, new Set())
    const known = nodes.filter((_, i) => (i * 7 + 1) % 3 > 0)
    assert.deepStrictEqual(state.closest.map(key), byDistance(known).slice(0, 20).map(key))
    assert.isBelow(state.queries, 80)
  })

  it("ends with the k closest live nodes when half are dead", () => {
    const nodes = network(300)
    const dead = new Set(nodes.filter((_, i) => i % 2 === 1).map(key))
    const state = new LookupState(target, { k: 20, maxQueries: 256 })
    for (const node of nodes.slice(0, 10)) state.addNode(node)
    run(state, nodes, dead)
    const closest = state.closest.map(key)
    assert.isAtLeast(closest.length, 8)
    assert.isTrue(closest.every((host) => !dead.has(host)))
  })

  it("goes on without a slow node, and counts its answer if it comes later", () => {
    const [a, b] = byDistance(network(2)) as [DhtNode, DhtNode]
    const state = new LookupState(target, { k: 20, maxQueries: 256 })
    state.addNode(a)
    state.addNode(b)
    const first = state.next()!
    const second = state.next()!
    assert.isFalse(state.finished)
    state.slow(first)
    assert.isFalse(state.finished)
    state.answered(second, b.id, undefined, [])
    assert.isTrue(state.finished)
    state.answered(first, a.id, undefined, [])
    assert.deepStrictEqual(state.closest.map(key), [a.host, b.host])
  })

  it("waits for slow nodes as long as no node has answered", () => {
    const [a] = network(1) as [DhtNode]
    const state = new LookupState(target, { k: 20, maxQueries: 256 })
    state.addSeed(a)
    const candidate = state.next()!
    state.slow(candidate)
    assert.isFalse(state.finished)
    state.lost(candidate)
    assert.isTrue(state.finished)
    assert.strictEqual(state.answerCount, 0)
  })

  it("asks an address only once, whatever ids it is named with", () => {
    const state = new LookupState(target, { k: 20, maxQueries: 256 })
    for (const node of network(30)) state.addNode({ ...node, host: "10.9.9.9" })
    assert.isDefined(state.next())
    assert.isUndefined(state.next())
  })

  it("asks at most eight nodes of a public host, and all of a private one", () => {
    for (const [host, count] of [
      ["203.0.113.1", 8],
      ["127.0.0.1", 15],
    ] as const) {
      const state = new LookupState(target, { k: 20, maxQueries: 256 })
      network(15).forEach((node, i) => {
        state.addNode({ ...node, host, port: i + 1 })
      })
      while (state.next() !== undefined) {}
      assert.strictEqual(state.queries, count)
    }
  })

  it("asks two nodes of a public host whose nodes are silent, or eight if there are few others", () => {
    for (const [others, asked] of [
      [20, 2],
      [5, 8],
    ] as const) {
      const nodes = byDistance(network(50))
      const state = new LookupState(target, { k: 20, maxQueries: 256 })
      const silent = nodes.slice(0, 30).map((node, i) => ({ ...node, host: "203.0.113.1", port: i + 1 }))
      const answering = nodes.slice(30, 30 + others).map((node, i) => ({ ...node, host: `${20 + i}.1.1.1` }))
      for (const node of [...silent, ...answering]) state.addNode(node)
      let count = 0
      for (let candidate = state.next(); candidate !== undefined; candidate = state.next()) {
        if (candidate.host === "203.0.113.1") {
          count++
          state.slow(candidate)
        } else state.answered(candidate, candidate.id!, undefined, [])
      }
      assert.isTrue(state.finished)
      assert.strictEqual(count, asked)
      assert.strictEqual(state.answerCount, others)
    }
  })

  it("counts an answer under another id than the named one as lost", () => {
    const [a] = network(1) as [DhtNode]
    const state = new LookupState(target, { k: 20, maxQueries: 256 })
    state.addNode(a)
    state.answered(state.next()!, generator.bytes(20), undefined, network(5))
    assert.strictEqual(state.answerCount, 0)
    assert.isUndefined(state.next())
    assert.isTrue(state.finished)
  })

  it("asks at most maxQueries nodes although a lying node names ever closer ones", () => {
    const state = new LookupState(target, { k: 20, maxQueries: 50 })
    state.addNode(network(1)[0]!)
    let port = 1
    for (let turn = 0; turn < 1000 && !state.finished; turn++) {
      const candidate = state.next()
      if (candidate === undefined) break
      const closer = Array.from({ length: 40 }, () => {
        const id = target.slice()
        const away = 60_000 - port
        id[18] = id[18]! ^ (away >> 8)
        id[19] = id[19]! ^ (away & 0xff)
        return { id, host: "10.8.8.8", port: port++ }
      })
      state.answered(candidate, candidate.id!, undefined, closer)
    }
    assert.strictEqual(state.queries, 50)
    assert.isTrue(state.finished)
  })

  it("is finished at once if there is no node to ask", () => {
    const state = new LookupState(target, { k: 20, maxQueries: 50 })
    assert.isUndefined(state.next())
    assert.isTrue(state.finished)
    assert.strictEqual(state.queries, 0)
  })
})

describe("drawn nodes of a LookupState", () => {
  it("are asked after the nearest, waited for, and not displaced by nearer nodes", () => {
    const nodes = byDistance(network(30))
    const state = new LookupState(target, { k: 2, maxQueries: 256, knowsNearest: true })
    for (const node of nodes.slice(10, 12)) state.addNode(node)
    for (const node of nodes.slice(20, 22)) state.addDrawn(node)
    const asked: Array<string> = []
    const answer = (named: ReadonlyArray<DhtNode>) => {
      const candidate = state.next()!
      asked.push(candidate.host)
      state.answered(candidate, candidate.id!, undefined, named)
    }
    answer(nodes.slice(0, 2))
    for (let i = 0; i < 4; i++) {
      assert.isFalse(state.finished)
      assert.isFalse(state.hasNearest(4))
      answer([])
    }
    assert.deepStrictEqual(
      asked,
      [10, 0, 1, 20, 21].map((i) => nodes[i]!.host),
    )
    assert.isTrue(state.hasNearest(4))
    assert.isTrue(state.finished)
  })
})
