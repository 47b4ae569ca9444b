import { assert, describe, it } from "@effect/vitest"
import { Population } from "../../src/mainline/Population.ts"
import { mainlinePreset } from "../../src/scenario/DhtSettings.ts"

const settings = { ...mainlinePreset("real"), alive: 60_000 }
const population = new Population(settings, 7)
const all = Array.from({ length: population.size }, (_, node) => node)

const idOf = (node: number): Uint8Array => {
  const id = new Uint8Array(20)
  population.writeId(node, new DataView(id.buffer), 0)
  return id
}
const prefix = (node: number): number => new DataView(idOf(node).buffer).getUint32(0)
const distance = (node: number, target: number): number => (prefix(node) ^ target) >>> 0

describe("Population", () => {
  it("has the shares of its settings", () => {
    assert.strictEqual(population.size, 100_000)
    const share = (is: (node: number) => boolean) => all.filter(is).length / all.length
    assert.closeTo(
      share((node) => population.isDead(node)),
      0.4,
      0.01,
    )
    assert.closeTo(
      share((node) => population.isMute(node)),
      0.1,
      0.01,
    )
    assert.closeTo(
      share((node) => population.keepsFirst(node)),
      0.5,
      0.01,
    )
    const times = all.map((node) => population.roundTrip(node)).sort((a, b) => a - b)
    assert.closeTo(times[50_000]!, 120, 3)
    // exp(0.7 · 1.645), the 95th percentile of the log-normal distribution.
    assert.closeTo(times[95_000]! / times[50_000]!, 3.16, 0.1)
  })

  it("has an address for each node, and nodes with near ids in networks far apart", () => {
    for (const node of all) assert.strictEqual(population.nodeAt(population.hostOf(node)), node)
    assert.isUndefined(population.nodeAt(0x0a000000))
    const networks = new Set(all.slice(0, 200).map((node) => population.hostOf(node) >>> 8))
    assert.strictEqual(networks.size, 200)
  })

  it("orders nodes by ids, which are spread evenly", () => {
    for (const node of all.slice(1)) assert.isAtLeast(prefix(node), prefix(node - 1))
    const inFirstHalf = all.filter((node) => prefix(node) < 2 ** 31).length
    assert.closeTo(inFirstHalf, 50_000, 1_000)
  })

  it("names the nearest nodes that a node knows, nearest first, and gets nearer with each step", () => {
    const target = 0x12345678
    let at = 77_777
    for (let step = 0; step < 12; step++) {
      const named = population.named(at, target)
      assert.strictEqual(named.length, 8)
      const distances = named.map((node) => distance(node, target))
      assert.deepStrictEqual(
        distances,
        distances.toSorted((a, b) => a - b),
      )
      if (distances[0]! >= distance(at, target)) break
      at = named[0]!
    }
    const nearest = all.toSorted((a, b) => distance(a, target) - distance(b, target)).slice(0, 10)
    assert.include(nearest, at)
  })

  it("knows the nearest nodes that answer", () => {
    const target = 0xfedcba98
    const answering = all.filter((node) => !population.isDead(node) && !population.isMute(node))
    const expected = answering.toSorted((a, b) => distance(a, target) - distance(b, target)).slice(0, 20)
    assert.deepStrictEqual(population.nearest(target, 20), expected)
  })

  it("is the same for the same salt, and another one for another salt", () => {
    const again = new Population(settings, 7)
    const other = new Population(settings, 8)
    assert.deepStrictEqual(again.named(5, 9), population.named(5, 9))
    assert.notDeepEqual(other.named(5, 9), population.named(5, 9))
  })
})
