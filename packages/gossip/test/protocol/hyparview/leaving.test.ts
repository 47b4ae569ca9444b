import { assert, describe, it } from "@effect/vitest"
import { bytes, disconnects, emitted, infos, join, Node, neighbor, sends, sentTo, timers, topic } from "../node.ts"

describe("neighbours that go", () => {
  it("are replaced from the passive view, with low priority while others are there", () => {
    const node = new Node().withNeighbors("a", "b").withContacts("a", "x")
    const actions = node.handle({ _tag: "PeerDisconnected", peer: "a" })
    assert.deepStrictEqual(node.active, ["b"])
    assert.deepStrictEqual(emitted(actions), ["NeighborDown a, lost"])
    assert.deepStrictEqual(sentTo(actions, "x"), [{ _tag: "Neighbor", priority: "low", data: bytes("me") }])
    assert.notInclude(node.passive, "a", "a failed peer is no contact")
  })

  it("are replaced with high priority when the last one goes", () => {
    const node = new Node().withNeighbors("a", "b").withContacts("a", "x")
    const gone = node.receive("b", { _tag: "Disconnect", alive: false, respond: false })
    assert.deepStrictEqual(emitted(gone), ["NeighborDown b, left"])
    node.receive("x", { _tag: "Disconnect", alive: false, respond: false })
    const actions = node.receive("a", { _tag: "Disconnect", alive: false, respond: false })
    assert.deepStrictEqual(sentTo(actions, "x"), [{ _tag: "Neighbor", priority: "high", data: bytes("me") }])
  })

  it("stay contacts if their Disconnect is marked alive, and are forgotten if not", () => {
    const node = new Node().withNeighbors("a", "b", "c")
    const replaced = node.receive("a", { _tag: "Disconnect", alive: true, respond: false })
    const left = node.receive("b", { _tag: "Disconnect", alive: false, respond: false })
    assert.deepStrictEqual([emitted(replaced), emitted(left)], [["NeighborDown a, replaced"], ["NeighborDown b, left"]])
    assert.deepStrictEqual(node.passive, ["a"])
    assert.deepStrictEqual(node.active, ["c"])
    node.handle({ _tag: "PeerDisconnected", peer: "a" })
    assert.deepStrictEqual(node.passive, ["a"])
  })

  it("are asked again after 500 ms if they are our only contact", () => {
    const node = new Node().withNeighbors("a")
    const actions = node.receive("a", { _tag: "Disconnect", alive: true, respond: false })
    assert.deepStrictEqual(sends(actions), [])
    const [refill] = timers(actions, "Refill")
    assert.strictEqual(refill?.delayMs, 500)
    assert.deepStrictEqual(sends(node.handle({ _tag: "TimerExpired", timer: refill!.timer })), ["a Neighbor"])
  })
})

describe("leaving", () => {
  it("sends a Disconnect to neighbours and asked peers, releases their connections and drops the topic", () => {
    const node = new Node().withNeighbors("a", "b")
    node.receive("a", { _tag: "ForwardJoin", peer: { id: "x", data: undefined }, ttl: 0 })
    const actions = node.handle({ _tag: "Quit", topic })
    for (const peer of ["a", "b", "x"]) {
      assert.deepStrictEqual(sentTo(actions, peer).at(-1), { _tag: "Disconnect", alive: false, respond: false })
    }
    assert.deepStrictEqual([...disconnects(actions)].sort(), ["a", "b", "x"])
    assert.deepStrictEqual([...node.state.topics()], [])
    assert.strictEqual(node.state.connectionCount, 0)
  })

  it("answers a peer that takes us for a member with a Disconnect", () => {
    const node = new Node().withNeighbors("a")
    node.handle({ _tag: "Quit", topic })
    const actions = node.receive("b", neighbor("low"))
    assert.deepStrictEqual(sentTo(actions, "b"), [{ _tag: "Disconnect", alive: false, respond: false }])
    assert.deepStrictEqual(disconnects(actions), ["b"])
    assert.deepStrictEqual(node.receive("b", { _tag: "ShuffleReply", nodes: [] }), [])
    assert.strictEqual(node.state.unexpectedMessages, 2)
  })

  it("makes the old timers void if the topic is joined again", () => {
    const node = new Node()
    const [shuffle] = timers(node.join(), "Shuffle")
    node.handle({ _tag: "Quit", topic })
    node.join()
    assert.deepStrictEqual(node.handle({ _tag: "TimerExpired", timer: shuffle!.timer }), [])
  })
})

describe("two topics with the same peer", () => {
  it("share its connection until both have released it", () => {
    const node = new Node().withNeighbors("a")
    node.handle({ _tag: "Join", topic: "other", peers: [] })
    node.handle({ _tag: "Received", from: "a", topic: "other", message: join("a") })
    assert.deepStrictEqual(disconnects(node.handle({ _tag: "Quit", topic })), [])
    assert.deepStrictEqual(disconnects(node.handle({ _tag: "Quit", topic: "other" })), ["a"])
  })
})

describe("a connection that no tie needs", () => {
  /** The peers that are disconnected when the shuffle timer is due at this time. */
  const disconnectedAt = (node: Node, now: number) => {
    const [shuffle] = timers(new Node().join(), "Shuffle")
    node.now = now
    return disconnects(node.handle({ _tag: "TimerExpired", timer: shuffle!.timer }))
  }

  it("is closed a while after the last message, for example of a peer that never answers a Join", () => {
    const node = new Node().withNeighbors("a")
    node.join("silent")
    assert.deepStrictEqual(disconnectedAt(node, 60_000), [])
    assert.deepStrictEqual(disconnectedAt(node, 119_999), [])
    assert.deepStrictEqual(disconnectedAt(node, 120_000), ["silent"])
    assert.deepStrictEqual(disconnectedAt(node, 180_000), [])
  })

  it("is kept while messages use it", () => {
    const node = new Node().withNeighbors("a")
    node.join("silent")
    for (const now of [60_000, 120_000, 180_000]) {
      assert.deepStrictEqual(disconnectedAt(node, now), [])
      node.join("silent")
    }
  })

  it("is kept if the same timer makes us ask that peer to be a neighbour", () => {
    const [shuffle] = timers(new Node().join(), "Shuffle")
    let cases = 0
    for (let seed = 0; seed < 20; seed++) {
      const node = new Node(undefined, seed).withNeighbors("a", "b")
      node.join("x")
      assert.deepStrictEqual(disconnectedAt(node, 60_000), [])
      node.withContacts("a", "x", "y", "z")
      const asked = ["a", "b"].flatMap((peer) => sends(node.handle({ _tag: "PeerDisconnected", peer })))
      assert.lengthOf(asked, 2, "one contact for each lost neighbour")
      if (asked.includes("x Neighbor")) continue
      node.now = 120_000
      const actions = node.handle({ _tag: "TimerExpired", timer: shuffle!.timer })
      assert.deepStrictEqual([sends(actions), disconnects(actions)], [["x Neighbor"], []])
      cases++
    }
    assert.isAbove(cases, 0)
  })

  it("of a peer whose Shuffle was answered is closed too", () => {
    const node = new Node().withNeighbors("a")
    node.receive("a", { _tag: "Shuffle", origin: "o", nodes: infos("o"), ttl: 0 })
    assert.deepStrictEqual(disconnectedAt(node, 60_000), [])
    assert.deepStrictEqual(disconnectedAt(node, 120_000), ["o"])
  })
})
