import { assert, describe, it } from "@effect/vitest"
import { UnresponsiveNodes } from "../src/krpc/UnresponsiveNodes.ts"

describe("UnresponsiveNodes", () => {
  it("avoids an address while an answer is overdue, and for a minute after the loss", () => {
    const unresponsive = new UnresponsiveNodes()
    assert.isFalse(unresponsive.has("a", 0))
    unresponsive.slow("a")
    assert.isTrue(unresponsive.has("a", 1e9))
    unresponsive.lost("a", undefined, 1000)
    assert.isTrue(unresponsive.has("a", 60_999))
    assert.isFalse(unresponsive.has("a", 61_000))
  })

  it("lets an address that has answered before miss one query", () => {
    const unresponsive = new UnresponsiveNodes()
    unresponsive.slow("a")
    unresponsive.lost("a", 1, 1000)
    assert.isFalse(unresponsive.has("a", 1000))
    unresponsive.lost("a", 2, 2000)
    assert.isTrue(unresponsive.has("a", 2001))
  })

  it("forgets an address when it answers, and all when our own network failed", () => {
    const unresponsive = new UnresponsiveNodes()
    unresponsive.slow("a")
    unresponsive.slow("b")
    unresponsive.answered("a")
    assert.isFalse(unresponsive.has("a", 0))
    assert.isTrue(unresponsive.has("b", 0))
    unresponsive.forgetAll()
    assert.isFalse(unresponsive.has("b", 0))
  })

  it("remembers the latest 4,096 addresses", () => {
    const unresponsive = new UnresponsiveNodes()
    for (let i = 0; i <= 4096; i++) unresponsive.lost(String(i), undefined, 0)
    assert.isFalse(unresponsive.has("0", 1))
    assert.isTrue(unresponsive.has("1", 1))
  })
})
