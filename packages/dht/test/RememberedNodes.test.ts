import { assert, describe, it } from "@effect/vitest"
import { RememberedNodes } from "../src/routing/RememberedNodes.ts"
import type { SeenNode } from "../src/storage/nodesCodec.ts"
import { makeGenerator } from "../src/testing/memory/generator.ts"

const generator = makeGenerator(1)
const node = (first: number, seenAt = 1_000): SeenNode => ({
  id: new Uint8Array(20).fill(first & 255),
  host: `8.8.${first >> 8}.${first & 255}`,
  port: 6881,
  seenAt,
})
const hosts = (nodes: ReadonlyArray<{ readonly host: string }>) => nodes.map(({ host }) => host)
const target = new Uint8Array(20)

describe("remembered nodes", () => {
  it("are given nearest first, without those that were silent in this run", () => {
    const remembered = new RememberedNodes([node(8), node(1), node(4), node(2), node(8)])
    assert.strictEqual(remembered.size, 4)
    assert.deepStrictEqual(remembered.closest(target, 2), [node(1), node(2)])
    remembered.lost(node(1))
    remembered.lost({ host: "9.9.9.9", port: 1 })
    assert.deepStrictEqual(remembered.closest(target, 2), [node(2), node(4)])
    remembered.answered(node(1).id, node(1))
    assert.deepStrictEqual(remembered.closest(target, 1), [node(1)])
  })

  it("that answer under another id have another place", () => {
    const remembered = new RememberedNodes([node(200), node(4)])
    remembered.answered(new Uint8Array(20).fill(1), node(200))
    assert.strictEqual(remembered.size, 2)
    assert.deepStrictEqual(hosts(remembered.closest(target, 3)), ["8.8.0.200", "8.8.0.4"])
  })

  it("of this run are kept with its time, earlier ones with theirs, silent ones and such of unknown time not at all", () => {
    const remembered = new RememberedNodes([node(1, 10), node(2, 30), node(4, 40), node(5, 0)])
    remembered.answered(node(1).id, node(1))
    remembered.answered(node(9).id, node(9))
    remembered.lost(node(4))
    assert.deepStrictEqual(
      remembered.toKeep(50).map(({ host, seenAt }) => [host, seenAt]),
      [
        ["8.8.0.1", 50],
        ["8.8.0.2", 30],
        ["8.8.0.9", 50],
      ],
    )
  })

  it("are bounded, and spread over the id space however near to us most of them are", () => {
    const remembered = new RememberedNodes([])
    for (let i = 0; i < 20_000; i++) {
      const id = generator.bytes(20)
      if (i % 2 === 0) id[0] = 77
      remembered.answered(id, { host: `8.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, port: 1 })
    }
    assert.isAtMost(remembered.size, 1024)
    const kept = remembered.toKeep(50)
    assert.strictEqual(kept.length, 512)
    assert.isAtMost(kept.filter(({ id }) => id[0] === 77).length, 2)
    assert.isAbove(new Set(kept.map(({ id }) => id[0])).size, 250)
  })
})
