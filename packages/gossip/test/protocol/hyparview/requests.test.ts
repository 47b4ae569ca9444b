import { assert, describe, it } from "@effect/vitest"
import { bytes, disconnects, infos, Node, neighbor, sends, sentTo, timers, topic } from "../node.ts"

describe("requests to be neighbours", () => {
  it("are accepted with low priority while there is a free slot", () => {
    const node = new Node().withNeighbors("a", "b", "c", "d")
    const actions = node.receive("e", neighbor("low"))
    assert.deepStrictEqual(node.active, ["a", "b", "c", "d", "e"])
    assert.deepStrictEqual(sentTo(actions, "e"), [{ _tag: "Neighbor", priority: "low", data: bytes("me") }])
  })

  it("are refused with low priority if the active view is full, with contacts before the Disconnect", () => {
    const node = new Node().withNeighbors("a", "b", "c", "d", "e")
    const actions = node.receive("f", neighbor("low"))
    assert.deepStrictEqual(node.active, ["a", "b", "c", "d", "e"])
    assert.deepStrictEqual(sends(actions), ["f ShuffleReply", "f Disconnect"])
    assert.deepStrictEqual(disconnects(actions), ["f"])
  })

  it("are always accepted with high priority", () => {
    const node = new Node().withNeighbors("a", "b", "c", "d", "e")
    node.receive("f", neighbor("high"))
    assert.include(node.active, "f")
    assert.strictEqual(node.active.length, 5)
  })

  it("of a neighbour are answered, but the answer to that is not", () => {
    const node = new Node().withNeighbors("a")
    const [answer, toAnswer] = [node.receive("a", neighbor("high")), node.receive("a", neighbor("high"))]
    assert.deepStrictEqual([sends(answer), sends(toAnswer)], [["a Neighbor"], []])
    assert.deepStrictEqual(sends(node.receive("a", neighbor("high"))), ["a Neighbor"])
  })

  it("that were answered end after their time, and no peer is asked twice", () => {
    const node = new Node().withNeighbors("a")
    const [timer] = timers(node.receive("a", neighbor("high")), "NeighborRequest")
    assert.deepStrictEqual(sends(node.handle({ _tag: "TimerExpired", timer: timer!.timer })), [])
    assert.deepStrictEqual(node.active, ["a"])
    assert.strictEqual(node.topic.membership.bookkeeping.pending.size, 0)
  })
})

describe("a contact that has no free slot", () => {
  const refuse = (node: Node, peer: string) => {
    const replied = node.receive(peer, { _tag: "ShuffleReply", nodes: infos("a", "b") })
    return [...sends(replied), ...sends(node.receive(peer, { _tag: "Disconnect", alive: true, respond: false }))]
  }
  const alone = () => new Node().withNeighbors("a", "b", "z").withContacts("a", "x", "y")
  const other = (asked: string) => (asked === "x Neighbor" ? "y" : "x")

  it("is not asked again before the next shuffle, and stays a contact", () => {
    const node = alone()
    const [first = ""] = sends(node.handle({ _tag: "PeerDisconnected", peer: "z" }))
    assert.deepStrictEqual(refuse(node, first[0]!), [`${other(first)} Neighbor`])
    assert.deepStrictEqual(refuse(node, other(first)), [])
    assert.deepStrictEqual(node.passive, ["x", "y"])
    const [shuffle] = timers(new Node().join(), "Shuffle")
    node.handle({ _tag: "TimerExpired", timer: shuffle!.timer })
    assert.lengthOf(sends(node.receive("a", { _tag: "ShuffleReply", nodes: [] })), 1)
  })

  it("is asked again when another neighbour goes, with high priority if that was the last one", () => {
    const node = alone()
    const [first = ""] = sends(node.handle({ _tag: "PeerDisconnected", peer: "z" }))
    refuse(node, first[0]!)
    refuse(node, other(first))
    assert.lengthOf(sends(node.handle({ _tag: "PeerDisconnected", peer: "b" })), 1)
    const last = node.handle({ _tag: "PeerDisconnected", peer: "a" })
    assert.deepStrictEqual(
      last.flatMap((action) => (action._tag === "Send" ? [action.message] : [])),
      [{ _tag: "Neighbor", priority: "high", data: bytes("me") }],
    )
  })
})

describe("a request without an answer", () => {
  it("ends after its time: the contact is dropped and the next one is asked", () => {
    const node = new Node().withNeighbors("a", "b").withContacts("a", "x", "y")
    const asked = timers(node.handle({ _tag: "PeerDisconnected", peer: "a" }), "NeighborRequest")
    assert.deepStrictEqual(
      asked.map((each) => each.delayMs),
      [500],
    )
    const first = asked[0]!.timer.peer
    const other = first === "x" ? "y" : "x"
    const actions = node.handle({ _tag: "TimerExpired", timer: asked[0]!.timer })
    assert.deepStrictEqual(sends(actions), [`${other} Neighbor`])
    assert.deepStrictEqual(node.passive, [other])
  })

  it("is still sent, and a peer that answers later becomes a neighbour", () => {
    const node = new Node().withNeighbors("a", "b").withContacts("a", "x")
    const [asked] = timers(node.handle({ _tag: "PeerDisconnected", peer: "a" }), "NeighborRequest")
    assert.deepStrictEqual(disconnects(node.handle({ _tag: "TimerExpired", timer: asked!.timer })), [])
    node.receive("x", neighbor("low"))
    assert.deepStrictEqual(node.active, ["b", "x"])
  })

  it("that was answered in time makes its timer void, also if the peer is asked again", () => {
    const node = new Node().withNeighbors("a", "b").withContacts("a", "x")
    const [asked] = timers(node.handle({ _tag: "PeerDisconnected", peer: "a" }), "NeighborRequest")
    node.receive("x", neighbor("low"))
    node.receive("x", { _tag: "Disconnect", alive: true, respond: false })
    node.handle({ _tag: "PeerDisconnected", peer: "b" })
    assert.deepStrictEqual(node.handle({ _tag: "TimerExpired", timer: asked!.timer }), [])
    assert.deepStrictEqual(node.passive, ["x"])
  })

  it("does not count as a second neighbour once it is answered", () => {
    const node = new Node().withNeighbors("a", "b", "c", "d").withContacts("a", "x", "y")
    const actions = node.handle({ _tag: "PeerDisconnected", peer: "d" })
    assert.strictEqual(sends(actions).length, 1, "three neighbours leave two slots")
  })

  it("is forgotten when the peer cannot be reached", () => {
    const node = new Node().withNeighbors("a", "b").withContacts("a", "x")
    node.handle({ _tag: "PeerDisconnected", peer: "a" })
    node.handle({ _tag: "PeerDisconnected", peer: "x" })
    assert.strictEqual(node.topic.membership.bookkeeping.pending.size, 0)
    assert.deepStrictEqual(node.passive, [])
  })

  it("is followed by one to the next contact, also if the dial fails before its time", () => {
    const node = new Node().withNeighbors("a", "b").withContacts("a", "x", "y")
    const asked = timers(node.handle({ _tag: "PeerDisconnected", peer: "a" }), "NeighborRequest")
    const { peer } = asked[0]!.timer
    const other = peer === "x" ? "y" : "x"
    const [refill] = timers(node.handle({ _tag: "PeerDisconnected", peer }), "Refill")
    assert.deepStrictEqual(sends(node.handle({ _tag: "TimerExpired", timer: refill!.timer })), [`${other} Neighbor`])
  })
})

describe("a member that wants a link", () => {
  const connect = (node: Node, ...peers: ReadonlyArray<string>) => node.handle({ _tag: "Connect", topic, peers })

  it("asks with high priority and frees a slot when it is answered, not before", () => {
    const node = new Node().withNeighbors("a", "b", "c", "d", "e")
    const asked = connect(node, "x")
    assert.deepStrictEqual(sentTo(asked, "x"), [{ _tag: "Neighbor", priority: "high", data: bytes("me") }])
    assert.deepStrictEqual(sends(asked), ["x Neighbor"])
    assert.deepStrictEqual(node.active, ["a", "b", "c", "d", "e"])
    const answered = node.receive("x", neighbor("high"))
    assert.include(node.active, "x")
    assert.lengthOf(node.active, 5)
    assert.deepStrictEqual(
      sends(answered).map((sent) => sent.split(" ")[1]),
      ["ShuffleReply", "Disconnect"],
      "one neighbour is replaced, no other peer gets a message",
    )
  })

  it("asks no peer twice, no neighbour and not itself", () => {
    const node = new Node().withNeighbors("a")
    assert.deepStrictEqual(sends(connect(node, "a", "me", "x", "x")), ["x Neighbor"])
  })

  it("asks no peer in a topic that it is not in", () => {
    const node = new Node()
    assert.deepStrictEqual(connect(node, "x"), [])
  })
})
