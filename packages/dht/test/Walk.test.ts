import { assert, describe, it } from "@effect/vitest"
import { makeGenerator } from "../src/memory/generator.ts"
import { compareBytes, type DhtNode, distance } from "../src/nodeId.ts"
import { type Candidate, Walk } from "../src/walk/Walk.ts"

const generator = makeGenerator(20)
const target = generator.bytes(20)
const network = (count: number): Array<DhtNode> =>
  Array.from({ length: count }, (_, i) => ({ id: generator.bytes(20), host: `10.0.${i >> 8}.${i & 255}`, port: 1 }))
const byDistance = (nodes: ReadonlyArray<DhtNode>, to = target) =>
  [...nodes].sort((a, b) => compareBytes(distance(a.id, to), distance(b.id, to)))
const key = ({ host }: { readonly host: string }) => host

/** Drives a walk as a network would whose nodes each know 20 of the others near any target. */
const run = (walk: Walk, nodes: ReadonlyArray<DhtNode>, dead: ReadonlySet<string>, alpha = 4) => {
  const byHost = new Map(nodes.map((node) => [node.host, node]))
  const open: Array<Candidate> = []
  for (let turn = 0; turn < 10_000; turn++) {
    while (open.length < alpha) {
      const next = walk.next()
      if (next === undefined) break
      open.push(next)
    }
    if (walk.finished) return
    const candidate = open.shift()
    assert.isDefined(candidate, "neither finished nor anything open")
    if (dead.has(candidate!.host)) {
      walk.slow(candidate!)
      walk.lost(candidate!)
    } else {
      const known = nodes.filter((_, i) => (i * 7 + candidate!.port) % 3 > 0)
      walk.answered(candidate!, byHost.get(candidate!.host)!.id, new Uint8Array(4), byDistance(known).slice(0, 20))
    }
  }
  assert.fail("the walk does not end")
}

describe("Walk", () => {
  it("ends with the k closest of the whole network, closest first", () => {
    const nodes = network(300)
    const walk = new Walk(target, { k: 20, maxQueries: 256 })
    walk.add(nodes[0]!)
    run(walk, nodes, new Set())
    const known = nodes.filter((_, i) => (i * 7 + 1) % 3 > 0)
    assert.deepStrictEqual(walk.closest.map(key), byDistance(known).slice(0, 20).map(key))
    assert.isBelow(walk.queries, 80)
  })

  it("ends with the k closest live nodes when half are dead", () => {
    const nodes = network(300)
    const dead = new Set(nodes.filter((_, i) => i % 2 === 1).map(key))
    const walk = new Walk(target, { k: 20, maxQueries: 256 })
    for (const node of nodes.slice(0, 10)) walk.add(node)
    run(walk, nodes, dead)
    const closest = walk.closest.map(key)
    assert.isAtLeast(closest.length, 8)
    assert.isTrue(closest.every((host) => !dead.has(host)))
  })

  it("goes on without a slow node, and counts its answer when it comes after all", () => {
    const [a, b] = byDistance(network(2)) as [DhtNode, DhtNode]
    const walk = new Walk(target, { k: 20, maxQueries: 256 })
    walk.add(a)
    walk.add(b)
    const first = walk.next()!
    const second = walk.next()!
    assert.isFalse(walk.finished)
    walk.slow(first)
    assert.isFalse(walk.finished)
    walk.answered(second, b.id, undefined, [])
    assert.isTrue(walk.finished)
    walk.answered(first, a.id, undefined, [])
    assert.deepStrictEqual(walk.closest.map(key), [a.host, b.host])
  })

  it("waits for slow nodes as long as nobody has answered", () => {
    const [a] = network(1) as [DhtNode]
    const walk = new Walk(target, { k: 20, maxQueries: 256 })
    walk.seed(a)
    const candidate = walk.next()!
    walk.slow(candidate)
    assert.isFalse(walk.finished)
    walk.lost(candidate)
    assert.isTrue(walk.finished)
    assert.strictEqual(walk.heard, 0)
  })

  it("asks one address once, whatever ids it is given", () => {
    const walk = new Walk(target, { k: 20, maxQueries: 256 })
    for (const node of network(30)) walk.add({ ...node, host: "10.9.9.9" })
    assert.isDefined(walk.next())
    assert.isUndefined(walk.next())
  })

  it("asks at most eight nodes of a public host, and all of a private one", () => {
    for (const [host, count] of [
      ["203.0.113.1", 8],
      ["127.0.0.1", 15],
    ] as const) {
      const walk = new Walk(target, { k: 20, maxQueries: 256 })
      network(15).forEach((node, i) => {
        walk.add({ ...node, host, port: i + 1 })
      })
      while (walk.next() !== undefined) {}
      assert.strictEqual(walk.queries, count)
    }
  })

  it("takes no answer under another id than was named", () => {
    const [a] = network(1) as [DhtNode]
    const walk = new Walk(target, { k: 20, maxQueries: 256 })
    walk.add(a)
    walk.answered(walk.next()!, generator.bytes(20), undefined, network(5))
    assert.strictEqual(walk.heard, 0)
    assert.isUndefined(walk.next())
    assert.isTrue(walk.finished)
  })

  it("asks no more than maxQueries, though a liar names ever closer nodes", () => {
    const walk = new Walk(target, { k: 20, maxQueries: 50 })
    walk.add(network(1)[0]!)
    let port = 1
    for (let turn = 0; turn < 1000 && !walk.finished; turn++) {
      const candidate = walk.next()
      if (candidate === undefined) break
      const closer = Array.from({ length: 40 }, () => {
        const id = target.slice()
        const away = 60_000 - port
        id[18] = id[18]! ^ (away >> 8)
        id[19] = id[19]! ^ (away & 0xff)
        return { id, host: "10.8.8.8", port: port++ }
      })
      walk.answered(candidate, candidate.id!, undefined, closer)
    }
    assert.strictEqual(walk.queries, 50)
    assert.isTrue(walk.finished)
  })

  it("is over at once when there is nobody to ask", () => {
    const walk = new Walk(target, { k: 20, maxQueries: 50 })
    assert.isUndefined(walk.next())
    assert.isTrue(walk.finished)
    assert.strictEqual(walk.queries, 0)
  })
})
