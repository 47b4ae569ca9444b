import { assert, describe, it } from "@effect/vitest"
import { bytes, configWith, disconnects, infos, Node, sends, sentTo, timers } from "../node.ts"

describe("shuffling", () => {
  it("sends 3 neighbours, 4 contacts and itself to one neighbour, with 6 hops, each time the timer is due", () => {
    const node = new Node().withNeighbors("a", "b", "c", "d", "e").withContacts("a", "v", "w", "x", "y", "z")
    const [timer] = timers(new Node().join(), "Shuffle")
    const actions = node.handle({ _tag: "TimerExpired", timer: timer!.timer })
    const messages = actions.flatMap((action) => (action._tag === "Send" ? [action] : []))
    assert.strictEqual(messages.length, 1)
    const { message, to } = messages[0]!
    if (message._tag !== "Shuffle") throw new Error(message._tag)
    assert.strictEqual(message.ttl, 6)
    const ids = message.nodes.map((node) => node.id)
    assert.notInclude(ids, to)
    assert.strictEqual(ids.filter((id) => node.active.includes(id)).length, 3)
    assert.strictEqual(ids.filter((id) => node.passive.includes(id)).length, 4)
    assert.deepStrictEqual(message.nodes.at(-1), { id: "me", data: bytes("me") })
    assert.strictEqual(timers(actions, "Shuffle").length, 1)
  })

  it("forwards a Shuffle to a neighbour that is neither its origin nor its sender", () => {
    const node = new Node().withNeighbors("a", "b", "c")
    const shuffle = { _tag: "Shuffle", origin: "a", nodes: infos("x"), ttl: 6 } as const
    assert.deepStrictEqual(sentTo(node.receive("b", shuffle), "c"), [{ ...shuffle, ttl: 5 }])
    assert.deepStrictEqual(node.passive, [])
  })

  it("takes the contacts at the end of the walk and answers with as many", () => {
    const node = new Node().withNeighbors("a", "b", "c").withContacts("a", "v", "w", "x")
    const actions = node.receive("b", { _tag: "Shuffle", origin: "o", nodes: infos("p", "o"), ttl: 0 })
    assert.deepStrictEqual(node.passive, ["o", "p", "v", "w", "x"])
    const [reply] = sentTo(actions, "o")
    if (reply?._tag !== "ShuffleReply") throw new Error("no reply")
    assert.strictEqual(reply.nodes.length, 2)
  })

  it("completes its answer with neighbours", () => {
    const node = new Node().withNeighbors("a")
    const actions = node.receive("a", { _tag: "Shuffle", origin: "o", nodes: infos("o"), ttl: 4 })
    const [reply] = sentTo(actions, "o")
    assert.deepStrictEqual(reply, { _tag: "ShuffleReply", nodes: [{ id: "o", data: undefined }] })
  })

  it("takes the contacts of an answer, releases the connection and fills free slots", () => {
    const node = new Node()
    const [timer] = timers(node.join(), "Shuffle")
    node.withNeighbors("a")
    node.handle({ _tag: "TimerExpired", timer: timer!.timer })
    const actions = node.receive("o", { _tag: "ShuffleReply", nodes: infos("p", "me", "a") })
    assert.deepStrictEqual(node.passive, ["p"], "neither ourselves nor neighbours are contacts")
    assert.deepStrictEqual(sends(actions), ["p Neighbor"])
    assert.deepStrictEqual(disconnects(actions), ["o"])
  })

  it("keeps at most passiveViewCapacity contacts, and takes at most a Shuffle's number from one message", () => {
    const node = new Node(configWith({ membership: { passiveViewCapacity: 10 } })).withNeighbors("a")
    const many = infos(...Array.from({ length: 100 }, (_, i) => `p${i}`))
    node.receive("a", { _tag: "ShuffleReply", nodes: many })
    assert.strictEqual(node.passive.length, 8)
    node.receive("a", { _tag: "ShuffleReply", nodes: many.slice(50) })
    assert.strictEqual(node.passive.length, 10)
  })
})

describe("peer data", () => {
  it("is announced if it is new, and passed on with the peer's name", () => {
    const node = new Node().withNeighbors("a", "b")
    const learned = node.receive("a", { _tag: "ForwardJoin", peer: { id: "x", data: bytes("at x") }, ttl: 3 })
    assert.deepInclude(learned, { _tag: "PeerData", peer: "x", data: bytes("at x") })
    const again = node.receive("b", { _tag: "ForwardJoin", peer: { id: "x", data: bytes("at x") }, ttl: 3 })
    assert.isFalse(again.some((action) => action._tag === "PeerData"))
    const reply = sentTo(node.receive("a", { _tag: "Shuffle", origin: "o", nodes: infos("o"), ttl: 0 }), "o")
    assert.deepStrictEqual(reply.length, 1)
    const [message] = reply
    if (message?._tag !== "ShuffleReply") throw new Error("no reply")
    for (const info of message.nodes) assert.deepStrictEqual(info.data, info.id === "x" ? bytes("at x") : undefined)
  })

  it("that is too large for a shuffle is announced and not passed on", () => {
    const node = new Node().withNeighbors("a")
    const data = new Uint8Array(2_000)
    const learned = node.receive("a", { _tag: "ShuffleReply", nodes: [{ id: "x", data }] })
    assert.deepInclude(learned, { _tag: "PeerData", peer: "x", data })
    assert.strictEqual(node.topic.membership.bookkeeping.peerData.size, 1, "a's own, from its Join")
  })

  it("of peers in no view does not accumulate", () => {
    const node = new Node().withNeighbors("a", "b")
    for (let i = 0; i < 1_000; i++) {
      node.receive("a", { _tag: "ForwardJoin", peer: { id: `x${i}`, data: bytes(`at ${i}`) }, ttl: 3 })
    }
    assert.isAtMost(node.topic.membership.bookkeeping.peerData.size, 86)
  })

  it("of our own is sent in its current form", () => {
    const node = new Node()
    node.join()
    node.handle({ _tag: "PeerDataChanged", data: bytes("moved") })
    assert.deepStrictEqual(sentTo(node.join("a"), "a"), [{ _tag: "Join", data: bytes("moved") }])
  })
})
