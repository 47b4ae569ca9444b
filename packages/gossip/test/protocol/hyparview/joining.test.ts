import { assert, describe, it } from "@effect/vitest"
import { bytes, disconnects, emitted, join, Node, neighbor, sends, sentTo, timers } from "../node.ts"

describe("joining", () => {
  it("sends each named peer a Join with our own data, but not ourselves", () => {
    const actions = new Node().join("a", "me", "b")
    assert.deepStrictEqual(sends(actions), ["a Join", "b Join"])
    assert.deepStrictEqual(sentTo(actions, "a"), [{ _tag: "Join", data: bytes("me") }])
  })

  it("starts the shuffle timer once, on the first join", () => {
    const node = new Node()
    const first = node.join()
    assert.deepStrictEqual(
      timers(first, "Shuffle").map((each) => each.delayMs),
      [60_000],
    )
    assert.deepStrictEqual(timers(first, "EvictCache"), [])
    assert.deepStrictEqual(node.join(), [])
  })

  it("accepts and answers a Join, and forwards it to the other neighbours with ARWL hops", () => {
    const node = new Node().withNeighbors("a", "b")
    const actions = node.receive("c", join("c"))
    assert.deepStrictEqual(node.active, ["a", "b", "c"])
    assert.deepStrictEqual(emitted(actions), ["NeighborUp c"])
    assert.deepStrictEqual(sends(actions), ["c Neighbor", "a ForwardJoin", "b ForwardJoin"])
    assert.deepStrictEqual(sentTo(actions, "c"), [{ _tag: "Neighbor", priority: "high", data: bytes("me") }])
    assert.deepStrictEqual(sentTo(actions, "a"), [{ _tag: "ForwardJoin", peer: { id: "c", data: bytes("c") }, ttl: 6 }])
  })

  it("answers a Join of a peer with a pending request: it has restarted and will not answer the request", () => {
    const node = new Node().withNeighbors("a", "b").withContacts("a", "x")
    const asked = timers(node.handle({ _tag: "PeerDisconnected", peer: "b" }), "NeighborRequest")
    const joined = node.receive("x", join("x"))
    assert.deepStrictEqual(sentTo(joined, "x"), [{ _tag: "Neighbor", priority: "high", data: bytes("me") }])
    assert.deepStrictEqual(sends(node.receive("x", neighbor("high"))), [], "the answer is not answered again")
    assert.deepStrictEqual(node.handle({ _tag: "TimerExpired", timer: asked[0]!.timer }), [], "the old timer is void")
    assert.deepStrictEqual(node.active, ["a", "x"])
  })

  it("answers a Join of a neighbour that restarts while the last request to it is pending", () => {
    const node = new Node().withNeighbors("a")
    node.receive("a", neighbor("high"))
    assert.deepStrictEqual(sends(node.receive("a", join("a"))), ["a Neighbor"])
    assert.deepStrictEqual(node.active, ["a"])
  })

  it("drops a random neighbour for a newcomer when the active view is full, and keeps it as a contact", () => {
    const node = new Node().withNeighbors("a", "b", "c", "d", "e")
    const actions = node.receive("f", join("f"))
    assert.strictEqual(node.active.length, 5)
    assert.include(node.active, "f")
    const dropped = node.passive[0] ?? "nobody"
    assert.deepStrictEqual(node.passive.length, 1)
    assert.deepStrictEqual(emitted(actions), [`NeighborDown ${dropped}, replaced`, "NeighborUp f"])
    assert.deepStrictEqual(
      sentTo(actions, dropped).map((message) => message._tag),
      ["ShuffleReply", "Disconnect"],
    )
    assert.deepStrictEqual(sentTo(actions, dropped)[1], { _tag: "Disconnect", alive: true, respond: false })
    assert.deepStrictEqual(disconnects(actions), [dropped])
    node.handle({ _tag: "PeerDisconnected", peer: dropped })
    assert.deepStrictEqual(node.passive, [dropped], "a peer that stays alive is a contact after its connection closed")
  })

  it("drops every neighbour equally often", () => {
    const counts = new Map<string, number>()
    for (let seed = 0; seed < 500; seed++) {
      const node = new Node(undefined, seed).withNeighbors("a", "b", "c", "d", "e")
      node.receive("f", join("f"))
      counts.set(node.passive[0]!, (counts.get(node.passive[0]!) ?? 0) + 1)
    }
    assert.deepStrictEqual([...counts.keys()].sort(), ["a", "b", "c", "d", "e"])
    for (const count of counts.values()) assert.isTrue(count > 60 && count < 140, `100 expected, ${count} found`)
  })
})

describe("a newcomer's walk", () => {
  const forwardJoin = (ttl: number, id = "new") =>
    ({ _tag: "ForwardJoin", peer: { id, data: bytes(id) }, ttl }) as const

  it("continues to a neighbour other than the sender, with one hop less", () => {
    const node = new Node().withNeighbors("a", "b")
    const actions = node.receive("a", forwardJoin(6))
    assert.deepStrictEqual(sentTo(actions, "b"), [forwardJoin(5)])
    assert.deepStrictEqual(node.passive, [])
  })

  it("makes the newcomer a contact where PRWL hops are left", () => {
    const node = new Node().withNeighbors("a", "b")
    const actions = node.receive("a", forwardJoin(3))
    assert.deepStrictEqual(sends(actions), ["b ForwardJoin"])
    assert.deepStrictEqual(node.passive, ["new"])
  })

  it("ends at 0 hops with a request of high priority; the newcomer becomes a neighbour when it answers", () => {
    const node = new Node().withNeighbors("a", "b")
    const actions = node.receive("a", forwardJoin(0))
    assert.deepStrictEqual(sends(actions), ["new Neighbor"])
    assert.deepStrictEqual(sentTo(actions, "new"), [{ _tag: "Neighbor", priority: "high", data: bytes("me") }])
    assert.deepStrictEqual(node.active, ["a", "b"])
    const answered = node.receive("new", neighbor("high"))
    assert.deepStrictEqual(node.active, ["a", "b", "new"])
    assert.deepStrictEqual(sends(answered), [], "an answer is not answered")
  })

  it("ends at a node with one neighbour", () => {
    assert.deepStrictEqual(sends(new Node().withNeighbors("a").receive("a", forwardJoin(6))), ["new Neighbor"])
  })

  it("renews the tie with a neighbour", () => {
    const node = new Node().withNeighbors("a", "b", "c")
    assert.deepStrictEqual(sends(node.receive("a", forwardJoin(6, "c"))), ["c Neighbor"])
  })

  it("does not continue while a request to the newcomer is pending", () => {
    const node = new Node().withNeighbors("a", "b")
    node.receive("a", forwardJoin(0))
    assert.deepStrictEqual(sends(node.receive("b", forwardJoin(6))), [])
  })

  it("that returns to the newcomer is dropped", () => {
    const node = new Node().withNeighbors("a")
    assert.deepStrictEqual(node.receive("a", forwardJoin(0, "me")), [])
    assert.strictEqual(node.topic.stats.droppedMessages, 1)
  })

  it("has at most as many hops as our own, whatever the sender claims", () => {
    const node = new Node().withNeighbors("a", "b")
    assert.deepStrictEqual(sentTo(node.receive("a", forwardJoin(65_535)), "b"), [forwardJoin(5)])
  })
})
