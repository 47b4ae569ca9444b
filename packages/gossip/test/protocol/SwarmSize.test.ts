import { assert, describe, it } from "@effect/vitest"
import { SwarmSize } from "../../src/protocol/SwarmSize.ts"
import { configWith, topic } from "./node.ts"
import { Swarm } from "./Swarm.ts"

/** The sum of 1 / estimate over all nodes of a swarm after five minutes: 1 if the estimates are right on average. */
const sumOfShares = (size: number): number => {
  const swarm = new Swarm(configWith({}), size)
  for (let i = 0; i < size; i++) {
    swarm.add(`n${i}`)
    swarm.handle(`n${i}`, { _tag: "Join", topic, peers: i === 0 ? [] : [`n${(i * 7919) % i}`] })
    swarm.run(20)
  }
  swarm.run(300_000)
  let sum = 0
  for (const node of swarm.states.values()) sum += 1 / node.estimatedSize(topic)!
  return sum
}

describe("the estimated size of a swarm", () => {
  it("is unknown before a shuffle, and not below the number of known peers", () => {
    const size = new SwarmSize()
    assert.isUndefined(size.estimate(5))
    for (let i = 0; i < 7; i++) size.add(true, 5)
    assert.isUndefined(size.estimate(5))
    size.add(true, 5)
    assert.strictEqual(size.estimate(5), 6)
    assert.strictEqual(size.estimate(12), 13)
  })

  it("grows with the share of names that are unknown, and forgets older names", () => {
    const size = new SwarmSize()
    for (let i = 0; i < 200; i++) size.add(i % 2 === 0, 30)
    assert.approximately(size.estimate(30)!, 60 ** 2 / 40, 3)
    for (let i = 0; i < 2_000; i++) size.add(i % 10 === 0, 30)
    assert.approximately(size.estimate(30)!, 300 ** 2 / 40, 150)
    for (let i = 0; i < 2_000; i++) size.add(true, 30)
    assert.approximately(size.estimate(30)!, 31, 2)
  })

  for (const size of [10, 30, 100, 300]) {
    it(`is right on average in a swarm of ${size}`, () => {
      const sum = sumOfShares(size)
      assert.isTrue(sum > 0.8 && sum < 1.4, `${sum}`)
    })
  }
})
