import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { IndexedSet } from "../../src/protocol/IndexedSet.ts"
import { Xoshiro128 } from "../../src/protocol/Rng.ts"

describe("Xoshiro128", () => {
  it("gives the sequence of the authors' code for the state 1, 2, 3, 4", () => {
    const rng = Xoshiro128.fromState(1, 2, 3, 4)
    assert.deepStrictEqual(
      Array.from({ length: 6 }, () => rng.next()),
      [11520, 0, 5927040, 70819200, 2031721883, 1637235492],
    )
  })

  it("takes its state from SplitMix64 of the seed", () => {
    const rng = Xoshiro128.fromState(0x7b1dcdaf, 0xe220a839, 0xa1b965f4, 0x6e789e6a)
    const seeded = new Xoshiro128(0n)
    for (let i = 0; i < 10; i++) assert.strictEqual(seeded.next(), rng.next())
  })

  it("is uniform for any bound", () => {
    const rng = new Xoshiro128(7)
    const counts = [0, 0, 0, 0, 0, 0]
    for (let i = 0; i < 60_000; i++) counts[rng.nextInt(6)]!++
    for (const count of counts) assert.isTrue(Math.abs(count - 10_000) < 400, `${count} of about 10,000`)
    for (let i = 0; i < 100; i++) assert.isTrue(rng.nextInt(0x1_0000_0000) >= 0)
  })

  it("forks generators that repeat if their parent does, and differ from it", () => {
    const [a, b] = [new Xoshiro128(1), new Xoshiro128(1)]
    const [forkA, forkB] = [a.fork(), b.fork()]
    assert.strictEqual(forkA.next(), forkB.next())
    assert.notStrictEqual(forkA.next(), a.next())
  })
})

describe("IndexedSet", () => {
  const item = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20 }))
  it.prop(
    "equals a Set for any additions and deletions",
    [Schema.Array(Schema.Tuple([Schema.Boolean, item]))],
    ([steps]) => {
      const [set, model] = [new IndexedSet<number>(), new Set<number>()]
      for (const [add, item] of steps) {
        if (add) {
          assert.strictEqual(set.add(item), !model.has(item))
          model.add(item)
        } else {
          assert.strictEqual(set.delete(item), model.delete(item))
        }
        assert.strictEqual(set.size, model.size)
        assert.strictEqual(set.has(item), model.has(item))
      }
      assert.deepStrictEqual([...set.values].sort(), [...model].sort())
    },
  )

  it("samples uniformly, without repetition and excluded members, at most the given count", () => {
    const set = new IndexedSet<number>()
    for (let i = 0; i < 10; i++) set.add(i)
    const rng = new Xoshiro128(3)
    const counts = new Map<number, number>()
    for (let i = 0; i < 10_000; i++) {
      const sample = set.sample(rng, 3, (item) => item === 5)
      assert.strictEqual(new Set(sample).size, 3)
      for (const item of sample) counts.set(item, (counts.get(item) ?? 0) + 1)
    }
    assert.isFalse(counts.has(5))
    for (const count of counts.values()) assert.isTrue(Math.abs(count - 3_333) < 250, `${count} of about 3,333`)
    assert.deepStrictEqual(set.sample(rng, 99).length, 10)
    assert.deepStrictEqual(set.values.length, 10)
  })

  it("picks nothing from an empty set", () => {
    const set = new IndexedSet<string>()
    const rng = new Xoshiro128(3)
    assert.isUndefined(set.pick(rng))
    set.add("only")
    assert.strictEqual(set.pick(rng), "only")
    assert.isUndefined(set.pickExcept(rng, () => true))
  })
})
