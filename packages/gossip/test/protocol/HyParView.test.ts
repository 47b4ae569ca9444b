import { assert, describe, it } from "@effect/vitest"
import { bytes, configWith, disconnects, emitted, join, Node, neighbor, sends, sentTo, timers, topic } from "./node.ts"

const infos = (...peers: ReadonlyArray<string>) => peers.map((id) => ({ id, data: undefined }))

describe("joining", () => {
  it("asks each peer named, with our own data, but never ourselves", () => {
    const actions = new Node().join("a", "me", "b")
    assert.deepStrictEqual(sends(actions), ["a Join", "b Join"])
    assert.deepStrictEqual(sentTo(actions, "a"), [{ _tag: "Join", data: bytes("me") }])
  })

  it("starts the timer that never stops once, on the first join", () => {
    const node = new Node()
    const first = node.join()
    assert.deepStrictEqual(
      timers(first, "Shuffle").map((each) => each.delayMs),
      [60_000],
    )
    assert.deepStrictEqual(timers(first, "EvictCache"), [])
    assert.deepStrictEqual(node.join(), [])
  })

  it("lets in whoever asks, answers, and tells the other neighbours with ARWL hops to go", () => {
    const node = new Node().withNeighbors("a", "b")
    const actions = node.receive("c", join("c"))
    assert.deepStrictEqual(node.active, ["a", "b", "c"])
    assert.deepStrictEqual(emitted(actions), ["NeighborUp c"])
    assert.deepStrictEqual(sends(actions), ["c Neighbor", "a ForwardJoin", "b ForwardJoin"])
    assert.deepStrictEqual(sentTo(actions, "c"), [{ _tag: "Neighbor", priority: "high", data: bytes("me") }])
    assert.deepStrictEqual(sentTo(actions, "a"), [{ _tag: "ForwardJoin", peer: { id: "c", data: bytes("c") }, ttl: 6 }])
  })

  it("drops a random neighbour for a newcomer when the active view is full, and keeps it as a contact", () => {
    const node = new Node().withNeighbors("a", "b", "c", "d", "e")
    const actions = node.receive("f", join("f"))
    assert.strictEqual(node.active.length, 5)
    assert.include(node.active, "f")
    const dropped = node.passive[0] ?? "nobody"
    assert.deepStrictEqual(node.passive.length, 1)
    assert.deepStrictEqual(emitted(actions), [`NeighborDown ${dropped}`, "NeighborUp f"])
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

  it("goes on to a neighbour other than the sender, one hop less", () => {
    const node = new Node().withNeighbors("a", "b")
    const actions = node.receive("a", forwardJoin(6))
    assert.deepStrictEqual(sentTo(actions, "b"), [forwardJoin(5)])
    assert.deepStrictEqual(node.passive, [])
  })

  it("leaves the newcomer as a contact where PRWL hops are left", () => {
    const node = new Node().withNeighbors("a", "b")
    const actions = node.receive("a", forwardJoin(3))
    assert.deepStrictEqual(sends(actions), ["b ForwardJoin"])
    assert.deepStrictEqual(node.passive, ["new"])
  })

  it("ends at 0 hops with a request of high priority; the newcomer is a neighbour once it answers", () => {
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

  it("does not go on while the newcomer owes us an answer", () => {
    const node = new Node().withNeighbors("a", "b")
    node.receive("a", forwardJoin(0))
    assert.deepStrictEqual(sends(node.receive("b", forwardJoin(6))), [])
  })

  it("that comes back to the newcomer is dropped", () => {
    const node = new Node().withNeighbors("a")
    assert.deepStrictEqual(node.receive("a", forwardJoin(0, "me")), [])
    assert.strictEqual(node.topic.stats.droppedMessages, 1)
  })

  it("is no longer than ours would be, whatever the sender claims", () => {
    const node = new Node().withNeighbors("a", "b")
    assert.deepStrictEqual(sentTo(node.receive("a", forwardJoin(65_535)), "b"), [forwardJoin(5)])
  })
})

describe("requests to be neighbours", () => {
  it("are accepted with low priority while there is a free slot", () => {
    const node = new Node().withNeighbors("a", "b", "c", "d")
    const actions = node.receive("e", neighbor("low"))
    assert.deepStrictEqual(node.active, ["a", "b", "c", "d", "e"])
    assert.deepStrictEqual(sentTo(actions, "e"), [{ _tag: "Neighbor", priority: "low", data: bytes("me") }])
  })

  it("are refused with low priority when the active view is full, with contacts on the way", () => {
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

  it("of a peer that has been a neighbour all along are answered, but not an answer to that", () => {
    const node = new Node().withNeighbors("a")
    const [answer, toAnswer] = [node.receive("a", neighbor("high")), node.receive("a", neighbor("high"))]
    assert.deepStrictEqual([sends(answer), sends(toAnswer)], [["a Neighbor"], []])
    assert.deepStrictEqual(sends(node.receive("a", neighbor("high"))), ["a Neighbor"])
  })

  it("that were answered are over after their time, with no one asked twice", () => {
    const node = new Node().withNeighbors("a")
    const [timer] = timers(node.receive("a", neighbor("high")), "NeighborRequest")
    assert.deepStrictEqual(sends(node.handle({ _tag: "TimerExpired", timer: timer!.timer })), [])
    assert.deepStrictEqual(node.active, ["a"])
    assert.strictEqual(node.topic.membership.sizes.pending, 0)
  })
})

describe("a contact that has no room for us", () => {
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

  it("is asked again when another neighbour is gone, and may not refuse when that was the last", () => {
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

describe("neighbours that go", () => {
  it("are replaced from the passive view, with low priority while others are there", () => {
    const node = new Node().withNeighbors("a", "b").withContacts("a", "x")
    const actions = node.handle({ _tag: "PeerDisconnected", peer: "a" })
    assert.deepStrictEqual(node.active, ["b"])
    assert.deepStrictEqual(emitted(actions), ["NeighborDown a"])
    assert.deepStrictEqual(sentTo(actions, "x"), [{ _tag: "Neighbor", priority: "low", data: bytes("me") }])
    assert.notInclude(node.passive, "a", "a failed peer is no contact")
  })

  it("are replaced with high priority when the last one goes", () => {
    const node = new Node().withNeighbors("a", "b").withContacts("a", "x")
    node.receive("b", { _tag: "Disconnect", alive: false, respond: false })
    node.receive("x", { _tag: "Disconnect", alive: false, respond: false })
    const actions = node.receive("a", { _tag: "Disconnect", alive: false, respond: false })
    assert.deepStrictEqual(sentTo(actions, "x"), [{ _tag: "Neighbor", priority: "high", data: bytes("me") }])
  })

  it("stay contacts when they say that they are alive, and are forgotten when not", () => {
    const node = new Node().withNeighbors("a", "b", "c")
    node.receive("a", { _tag: "Disconnect", alive: true, respond: false })
    node.receive("b", { _tag: "Disconnect", alive: false, respond: false })
    assert.deepStrictEqual(node.passive, ["a"])
    assert.deepStrictEqual(node.active, ["c"])
    node.handle({ _tag: "PeerDisconnected", peer: "a" })
    assert.deepStrictEqual(node.passive, ["a"])
  })

  it("are asked again after a while when we know nobody else", () => {
    const node = new Node().withNeighbors("a")
    const actions = node.receive("a", { _tag: "Disconnect", alive: true, respond: false })
    assert.deepStrictEqual(sends(actions), [])
    const [refill] = timers(actions, "Refill")
    assert.strictEqual(refill?.delayMs, 500)
    assert.deepStrictEqual(sends(node.handle({ _tag: "TimerExpired", timer: refill!.timer })), ["a Neighbor"])
  })
})

describe("a request without an answer", () => {
  it("is given up after its time: the contact is dropped and the next one asked", () => {
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

  it("goes on its way all the same, and makes a neighbour of who answers later", () => {
    const node = new Node().withNeighbors("a", "b").withContacts("a", "x")
    const [asked] = timers(node.handle({ _tag: "PeerDisconnected", peer: "a" }), "NeighborRequest")
    assert.deepStrictEqual(disconnects(node.handle({ _tag: "TimerExpired", timer: asked!.timer })), [])
    node.receive("x", neighbor("low"))
    assert.deepStrictEqual(node.active, ["b", "x"])
  })

  it("that was answered in time leaves its timer without effect, even when the peer is asked again", () => {
    const node = new Node().withNeighbors("a", "b").withContacts("a", "x")
    const [asked] = timers(node.handle({ _tag: "PeerDisconnected", peer: "a" }), "NeighborRequest")
    node.receive("x", neighbor("low"))
    node.receive("x", { _tag: "Disconnect", alive: true, respond: false })
    node.handle({ _tag: "PeerDisconnected", peer: "b" })
    assert.deepStrictEqual(node.handle({ _tag: "TimerExpired", timer: asked!.timer }), [])
    assert.deepStrictEqual(node.passive, ["x"])
  })

  it("is not counted as a neighbour twice once it is answered", () => {
    const node = new Node().withNeighbors("a", "b", "c", "d").withContacts("a", "x", "y")
    const actions = node.handle({ _tag: "PeerDisconnected", peer: "d" })
    assert.strictEqual(sends(actions).length, 1, "three neighbours leave two slots")
  })

  it("is forgotten when the peer cannot be reached", () => {
    const node = new Node().withNeighbors("a", "b").withContacts("a", "x")
    node.handle({ _tag: "PeerDisconnected", peer: "a" })
    node.handle({ _tag: "PeerDisconnected", peer: "x" })
    assert.strictEqual(node.topic.membership.sizes.pending, 0)
    assert.deepStrictEqual(node.passive, [])
  })

  it("is followed by one to the next contact also when the peer cannot be reached before its time", () => {
    const node = new Node().withNeighbors("a", "b").withContacts("a", "x", "y")
    const asked = timers(node.handle({ _tag: "PeerDisconnected", peer: "a" }), "NeighborRequest")
    const { peer } = asked[0]!.timer
    const other = peer === "x" ? "y" : "x"
    const [refill] = timers(node.handle({ _tag: "PeerDisconnected", peer }), "Refill")
    assert.deepStrictEqual(sends(node.handle({ _tag: "TimerExpired", timer: refill!.timer })), [`${other} Neighbor`])
  })
})

describe("shuffling", () => {
  it("offers 3 active and 4 passive contacts and ourselves to one neighbour, 6 hops, each time the timer is due", () => {
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

  it("passes another's offer on to a neighbour that is neither its origin nor its sender", () => {
    const node = new Node().withNeighbors("a", "b", "c")
    const shuffle = { _tag: "Shuffle", origin: "a", nodes: infos("x"), ttl: 6 } as const
    assert.deepStrictEqual(sentTo(node.receive("b", shuffle), "c"), [{ ...shuffle, ttl: 5 }])
    assert.deepStrictEqual(node.passive, [])
  })

  it("takes an offer at its walk's end and answers with as many contacts", () => {
    const node = new Node().withNeighbors("a", "b", "c").withContacts("a", "v", "w", "x")
    const actions = node.receive("b", { _tag: "Shuffle", origin: "o", nodes: infos("p", "o"), ttl: 0 })
    assert.deepStrictEqual(node.passive, ["o", "p", "v", "w", "x"])
    const [reply] = sentTo(actions, "o")
    if (reply?._tag !== "ShuffleReply") throw new Error("no reply")
    assert.strictEqual(reply.nodes.length, 2)
  })

  it("fills its answer up with neighbours", () => {
    const node = new Node().withNeighbors("a")
    const actions = node.receive("a", { _tag: "Shuffle", origin: "o", nodes: infos("o"), ttl: 4 })
    const [reply] = sentTo(actions, "o")
    assert.deepStrictEqual(reply, { _tag: "ShuffleReply", nodes: [{ id: "o", data: undefined }] })
  })

  it("takes the contacts of an answer, gives up the connection and fills free slots", () => {
    const node = new Node().withNeighbors("a")
    const actions = node.receive("o", { _tag: "ShuffleReply", nodes: infos("p", "me", "a") })
    assert.deepStrictEqual(node.passive, ["p"], "neither ourselves nor neighbours are contacts")
    assert.deepStrictEqual(sends(actions), ["p Neighbor"])
    assert.deepStrictEqual(disconnects(actions), ["o"])
  })

  it("never holds more contacts than the passive view's capacity, nor takes more than a shuffle from one message", () => {
    const node = new Node(configWith({ membership: { passiveViewCapacity: 10 } })).withNeighbors("a")
    const many = infos(...Array.from({ length: 100 }, (_, i) => `p${i}`))
    node.receive("a", { _tag: "ShuffleReply", nodes: many })
    assert.strictEqual(node.passive.length, 8)
    node.receive("a", { _tag: "ShuffleReply", nodes: many.slice(50) })
    assert.strictEqual(node.passive.length, 10)
  })
})

describe("peer data", () => {
  it("is announced when it is news, and passed on with the peer's name", () => {
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
    assert.strictEqual(node.topic.membership.sizes.peerData, 1, "a's own, from its Join")
  })

  it("of peers in no view does not pile up", () => {
    const node = new Node().withNeighbors("a", "b")
    for (let i = 0; i < 1_000; i++) {
      node.receive("a", { _tag: "ForwardJoin", peer: { id: `x${i}`, data: bytes(`at ${i}`) }, ttl: 3 })
    }
    assert.isAtMost(node.topic.membership.sizes.peerData, 86)
  })

  it("of our own is sent as it is now", () => {
    const node = new Node()
    node.join()
    node.handle({ _tag: "PeerDataChanged", data: bytes("moved") })
    assert.deepStrictEqual(sentTo(node.join("a"), "a"), [{ _tag: "Join", data: bytes("moved") }])
  })
})

describe("leaving", () => {
  it("tells neighbours and those we asked, releases their connections and drops the topic", () => {
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

  it("is told to whoever takes us for a member afterwards", () => {
    const node = new Node().withNeighbors("a")
    node.handle({ _tag: "Quit", topic })
    const actions = node.receive("b", neighbor("low"))
    assert.deepStrictEqual(sentTo(actions, "b"), [{ _tag: "Disconnect", alive: false, respond: false }])
    assert.deepStrictEqual(disconnects(actions), ["b"])
    assert.deepStrictEqual(node.receive("b", { _tag: "ShuffleReply", nodes: [] }), [])
    assert.strictEqual(node.state.unexpectedMessages, 2)
  })

  it("makes the old timers void when the topic is joined again", () => {
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
  /** What is disconnected when the shuffle's timer is due at this time. */
  const disconnectedAt = (node: Node, now: number) => {
    const [shuffle] = timers(new Node().join(), "Shuffle")
    node.now = now
    return disconnects(node.handle({ _tag: "TimerExpired", timer: shuffle!.timer }))
  }

  it("is given up a while after the last message, as of one who never answers a Join", () => {
    const node = new Node().withNeighbors("a")
    node.join("silent")
    assert.deepStrictEqual(disconnectedAt(node, 60_000), [])
    assert.deepStrictEqual(disconnectedAt(node, 119_999), [])
    assert.deepStrictEqual(disconnectedAt(node, 120_000), ["silent"])
    assert.deepStrictEqual(disconnectedAt(node, 180_000), [])
  })

  it("is kept while something comes or goes", () => {
    const node = new Node().withNeighbors("a")
    node.join("silent")
    for (const now of [60_000, 120_000, 180_000]) {
      assert.deepStrictEqual(disconnectedAt(node, now), [])
      node.join("silent")
    }
  })

  it("of one whose shuffle was answered is given up, too", () => {
    const node = new Node().withNeighbors("a")
    node.receive("a", { _tag: "Shuffle", origin: "o", nodes: infos("o"), ttl: 0 })
    assert.deepStrictEqual(disconnectedAt(node, 60_000), [])
    assert.deepStrictEqual(disconnectedAt(node, 120_000), ["o"])
  })
})
