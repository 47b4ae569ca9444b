/** Vouched peers: known members in a topic that anyone may ask to be let into. */
import { assert, describe, it } from "@effect/vitest"
import { gossip, Node, topic } from "./node.ts"

const vouch = (node: Node, ...peers: ReadonlyArray<string>) => node.handle({ _tag: "VouchFor", topic, peers })

describe("VouchFor", () => {
  it("sends nothing, and shows which neighbours are vouched for", () => {
    const node = new Node().withNeighbors("a", "b", "c")
    assert.deepStrictEqual(vouch(node, "a", "me"), [])
    node.receive("b", gossip("hello"))
    assert.deepStrictEqual([...node.state.neighborTrust(topic)].sort(), [
      ["a", "vouched"],
      ["b", "proven"],
      ["c", "unknown"],
    ])
  })

  it("keeps the 256 peers that were vouched for last", () => {
    const node = new Node().withNeighbors()
    vouch(node, "first", "second")
    vouch(node, ...Array.from({ length: 254 }, (_, i) => `p${i}`))
    vouch(node, "first", "last")
    const { vouched } = node.topic.membership.bookkeeping
    assert.strictEqual(vouched.size, 256)
    assert.deepStrictEqual(
      ["first", "second", "last"].filter((peer) => vouched.has(peer)),
      ["first", "last"],
    )
  })

  it("has no effect in a topic that the node is not in", () => {
    const node = new Node()
    vouch(node, "a")
    assert.deepStrictEqual([...node.state.topics()], [])
    assert.strictEqual(node.state.neighborTrust(topic).size, 0)
  })
})
