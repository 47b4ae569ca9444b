/** The bounds on what peers that nobody knows can cause: introductions, names, places in the active view. */
import { assert, describe, it } from "@effect/vitest"
import { MAX_GUESTS } from "../../../src/protocol/Admission.ts"
import * as Protocol from "../../../src/protocol/index.ts"
import { bytes, disconnects, gossip, infos, join, Node, neighbor, sends, sentTo, timers, topic } from "../node.ts"

const vouch = (node: Node, ...peers: ReadonlyArray<string>) => node.handle({ _tag: "VouchFor", topic, peers })
const full = () => new Node().withNeighbors("a", "b", "c", "d", "e")
const data = (actions: ReadonlyArray<Protocol.Action<string>>) => actions.filter(({ _tag }) => _tag === "PeerData")

describe("introductions", () => {
  it("of a stranger cause no request, no answer and no contact: 100 ForwardJoins, Shuffles and answers", () => {
    const node = full()
    for (let i = 0; i < 100; i++) {
      const nodes = [{ id: `n${i}`, data: bytes("at n") }]
      const messages: ReadonlyArray<Protocol.Message<string>> = [
        { _tag: "ForwardJoin", peer: { id: `x${i}`, data: bytes("at x") }, ttl: i % 7 },
        { _tag: "Shuffle", origin: `o${i}`, nodes, ttl: i % 7 },
        { _tag: "ShuffleReply", nodes },
      ]
      for (const message of messages) {
        const actions = node.receive("stranger", message)
        assert.deepStrictEqual([sends(actions), data(actions)], [[], []])
      }
    }
    assert.deepStrictEqual(node.passive, [])
    assert.strictEqual(node.topic.stats.droppedMessages, 300)
  })

  it("count from a peer that was asked, before it has answered", () => {
    const node = new Node()
    node.join("contact")
    node.receive("contact", { _tag: "ShuffleReply", nodes: infos("x") })
    const refused = node.receive("contact", { _tag: "Disconnect", alive: true, respond: false })
    assert.deepStrictEqual(node.passive, ["x"])
    assert.deepStrictEqual(sends(refused), [], "x is asked already")
    assert.isTrue(node.topic.membership.bookkeeping.pending.has("x"))
  })

  it("answer one Shuffle of ours, for ten seconds", () => {
    const node = new Node()
    const [shuffle] = timers(node.join(), "Shuffle")
    node.withNeighbors("a", "b", "c", "d", "e")
    const expire = () => node.handle({ _tag: "TimerExpired", timer: shuffle!.timer })
    expire()
    node.receive("far", { _tag: "ShuffleReply", nodes: infos("x") })
    node.receive("farther", { _tag: "ShuffleReply", nodes: infos("y") })
    assert.deepStrictEqual(node.passive, ["x"])
    expire()
    node.now += 10_000
    node.receive("late", { _tag: "ShuffleReply", nodes: infos("z") })
    assert.deepStrictEqual(node.passive, ["x"])
  })
})

describe("new names", () => {
  const name = (node: Node, from: string, count: number) => {
    let requests = 0
    for (let i = 0; i < count; i++) {
      const message = {
        _tag: "ForwardJoin",
        peer: { id: `${from} ${node.now} ${i}`, data: undefined },
        ttl: 0,
      } as const
      requests += sends(node.receive(from, message)).length
    }
    return requests
  }

  it("of one neighbour are 16 at once and then one a second; the others are counted", () => {
    const node = new Node().withNeighbors("a", "b")
    assert.strictEqual(name(node, "a", 200), 16)
    const { droppedMessages, droppedNames } = node.topic.stats
    assert.strictEqual(droppedNames + droppedMessages, 184)
    assert.strictEqual(name(node, "b", 200), 16, "each neighbour has its own")
    node.now += 3_000
    assert.strictEqual(name(node, "a", 200), 3)
  })

  it("of neighbours that leave and come back, or under new keys, are bounded too", () => {
    const node = new Node().withNeighbors("a")
    let requests = 0
    for (let second = 0; second < 60; second++) {
      for (const peer of ["x", `y${second}`]) {
        node.receive(peer, neighbor("high"))
        requests += name(node, peer, 20)
        node.receive(peer, { _tag: "Disconnect", alive: false, respond: false })
      }
      node.now += 1_000
    }
    assert.isAtMost(requests, 80 + 5 * 60)
  })

  it("that are no keys are neither kept nor passed on", () => {
    const rng = new Protocol.Xoshiro128(1)
    const { defaultConfig: config } = Protocol
    const isKey = (peer: string) => !peer.startsWith("no key")
    const state = new Protocol.GossipState<string>({ me: "me", peerData: bytes("me"), config, rng, isKey })
    const out: Array<Protocol.Action<string>> = []
    const receive = (from: string, message: Protocol.Message<string>) =>
      state.handle({ _tag: "Received", from, topic, message }, 0, out)
    state.handle({ _tag: "Join", topic, peers: [] }, 0, out)
    for (const peer of ["a", "b"]) receive(peer, join(peer))
    out.length = 0
    receive("a", { _tag: "ForwardJoin", peer: { id: "no key", data: undefined }, ttl: 6 })
    receive("a", { _tag: "Shuffle", origin: "no key", nodes: infos("x"), ttl: 6 })
    assert.deepStrictEqual(out, [])
    receive("a", { _tag: "Shuffle", origin: "a", nodes: infos("no key", "x", "a"), ttl: 6 })
    assert.deepStrictEqual(sentTo(out, "b"), [{ _tag: "Shuffle", origin: "a", nodes: infos("x", "a"), ttl: 5 }])
    assert.strictEqual(state.stats(topic)?.droppedNames, 3)
  })

  it("include the origin of a Shuffle; without an address its answer costs as much as three more", () => {
    const answers = (data: Uint8Array | undefined) => {
      const node = new Node().withNeighbors("a", "b")
      let count = 0
      for (let i = 0; i < 20; i++) {
        const nodes = [{ id: `o${i}`, data }]
        count += sends(node.receive("a", { _tag: "Shuffle", origin: `o${i}`, nodes, ttl: 0 })).length
      }
      return count
    }
    assert.strictEqual(answers(bytes("at o")), 16)
    assert.strictEqual(answers(undefined), 4)
  })
})

describe("walks", () => {
  it("of one neighbour are 64 at once and then eight a second, also with known names", () => {
    const node = new Node().withNeighbors("a", "b").withContacts("a", "x")
    const walk = () => {
      let sent = 0
      for (let i = 0; i < 200; i++) {
        sent += sends(node.receive("a", { _tag: "ForwardJoin", peer: { id: "x", data: undefined }, ttl: 6 })).length
        sent += sends(node.receive("a", { _tag: "Shuffle", origin: "a", nodes: infos("x"), ttl: 6 })).length
      }
      return sent
    }
    node.now += 60_000
    assert.strictEqual(walk(), 64)
    node.now += 2_000
    assert.strictEqual(walk(), 16)
    assert.strictEqual(node.topic.stats.droppedMessages, 400 - 64 + 400 - 16)
  })

  it("start once in ten seconds for one peer's Joins", () => {
    const node = new Node().withNeighbors("a")
    const forwarded = (peer: string) => sentTo(node.receive(peer, join(peer)), "a").length
    node.now += 60_000
    const repeated = Array.from({ length: 50 }, () => forwarded("x"))
    assert.deepStrictEqual(repeated, [1, ...Array.from({ length: 49 }, () => 0)])
    node.now += 10_000
    assert.strictEqual(forwarded("x"), 1)
  })
})

describe("places in a full active view", () => {
  it("of vouched peers are not given to strangers, except one", () => {
    const node = full()
    vouch(node, "a", "b", "c", "d", "e")
    for (let i = 0; i < 20; i++) node.receive(`x${i}`, i % 2 === 0 ? neighbor("high") : join(`x${i}`))
    assert.lengthOf(node.active, 5)
    assert.lengthOf(
      node.active.filter((peer) => peer.startsWith("x")),
      1,
    )
  })

  it("of strangers that passed on payloads are given after those of strangers that did not", () => {
    const node = full()
    vouch(node, "a")
    node.receive("b", gossip("one"))
    node.receive("c", gossip("two"))
    node.receive("x", neighbor("high"))
    node.receive("x", gossip("three"))
    node.receive("y", neighbor("high"))
    node.receive("y", gossip("four"))
    assert.deepStrictEqual(node.active, ["a", "b", "c", "x", "y"])
    node.receive("z", neighbor("high"))
    assert.include(node.active, "a")
    assert.include(node.active, "z")
  })

  it("are given to a vouched peer before others, at low priority too while few neighbours are vouched for", () => {
    const node = full()
    vouch(node, "v1", "v2", "v3", "v4")
    for (const peer of ["v1", "v2", "v3", "v4"]) node.receive(peer, neighbor("low"))
    assert.deepStrictEqual(
      node.active.filter((peer) => peer.startsWith("v")),
      ["v1", "v2", "v3"],
    )
    node.receive("v4", neighbor("high"))
    assert.lengthOf(
      node.active.filter((peer) => peer.startsWith("v")),
      4,
    )
  })

  it("change hands among strangers 256 times at once and then once a second, where a member is to be kept", () => {
    const node = full()
    vouch(node, "a")
    const ask = (count: number) => {
      const before = node.topic.stats.refusedRequests
      for (let i = 0; i < count; i++) node.receive(`${node.now} ${i}`, neighbor("high"))
      return count - (node.topic.stats.refusedRequests - before)
    }
    assert.strictEqual(ask(1_000), 256)
    node.now += 5_000
    assert.strictEqual(ask(1_000), 5)
    const refused = node.receive("x", join("x"))
    assert.deepStrictEqual(sends(refused), ["x ShuffleReply", "x Disconnect"], "with contacts to ask instead")
    assert.deepStrictEqual(disconnects(refused), ["x"])
    vouch(node, "member")
    node.receive("member", neighbor("high"))
    assert.include(node.active, "member")
  })

  it("are filled with vouched contacts first", () => {
    for (let seed = 0; seed < 20; seed++) {
      const node = new Node(undefined, seed).withNeighbors("a", "b").withContacts("a", "x", "y", "v", "z")
      vouch(node, "v")
      assert.deepStrictEqual(sends(node.handle({ _tag: "PeerDisconnected", peer: "b" })), ["v Neighbor"])
    }
  })

  it("of vouched contacts in the passive view are not taken by the names of strangers", () => {
    const node = full()
    node.withContacts("a", "v1", "v2")
    vouch(node, "v1", "v2")
    for (let i = 0; i < 200; i++) {
      node.now += 1_000
      node.withContacts("a", `x${i}`)
    }
    assert.lengthOf(node.passive, 30)
    assert.includeMembers([...node.passive], ["v1", "v2"])
  })
})

describe("merges", () => {
  const connect = (node: Node, ...peers: ReadonlyArray<string>) => node.handle({ _tag: "Connect", topic, peers })

  const active = () => {
    const node = full()
    for (const peer of ["b", "c", "d", "e"]) node.receive(peer, gossip(`of ${peer}`))
    return node
  }

  describe("while a request of low priority is on its way", () => {
    /** A node that has vouched for a member, which is asked at once, and wants a link to it a moment later. */
    const raised = () => {
      const node = active()
      vouch(node, "a")
      const [request] = timers(vouch(node, "x"), "NeighborRequest")
      assert.strictEqual(request!.delayMs, 500)
      assert.deepStrictEqual(connect(node, "x"), [], "what follows a request that is refused would be lost")
      return { node, expire: () => node.handle({ _tag: "TimerExpired", timer: request!.timer }) }
    }
    const refuse = (node: Node) => {
      node.receive("x", { _tag: "Disconnect", alive: true, respond: false })
      return node.handle({ _tag: "PeerDisconnected", peer: "x" })
    }
    const asked = (actions: ReadonlyArray<Protocol.Action<string>>) =>
      sentTo(actions, "x").map((message) => message._tag === "Neighbor" && message.priority)

    it("ask again with high priority once it is refused or not answered", () => {
      for (const answer of [refuse, () => []]) {
        const { expire, node } = raised()
        assert.notInclude(sends(answer(node)), "x Neighbor", "its connection closes")
        const again = expire()
        assert.deepStrictEqual(asked(again), ["high"])
        assert.notInclude(sends(refuse(node)), "x Neighbor")
        const [second] = timers(again, "NeighborRequest")
        assert.deepStrictEqual(asked(node.handle({ _tag: "TimerExpired", timer: second!.timer })), [], "once")
      }
    })

    it("ask one of two again, and none when a third has become a neighbour", () => {
      const two = (node: Node) => {
        vouch(node, "a")
        const requests = timers(vouch(node, "x", "y"), "NeighborRequest")
        assert.lengthOf(requests, 2)
        assert.deepStrictEqual(connect(node, "x", "y"), [])
        for (const peer of ["x", "y"]) {
          node.receive(peer, { _tag: "Disconnect", alive: true, respond: false })
          node.handle({ _tag: "PeerDisconnected", peer })
        }
        return () => requests.flatMap(({ timer }) => sends(node.handle({ _tag: "TimerExpired", timer })))
      }
      assert.deepStrictEqual(two(active())(), ["x Neighbor"])
      const node = active()
      const expire = two(node)
      connect(node, "z")
      node.receive("z", neighbor("high"))
      assert.deepStrictEqual(expire(), [])
    })

    it("ask no more when it was accepted, when the peer cannot be reached, and when another merge took the place", () => {
      const accepted = raised()
      accepted.node.receive("x", neighbor("low"))
      assert.include(accepted.node.active, "x")
      assert.deepStrictEqual(asked(accepted.expire()), [])

      const unreachable = raised()
      unreachable.node.handle({ _tag: "PeerDisconnected", peer: "x" })
      assert.deepStrictEqual(asked(unreachable.expire()), [])

      const late = raised()
      connect(late.node, "y")
      late.node.receive("y", neighbor("high"))
      late.node.receive("y", gossip("of y"))
      assert.isFalse(late.node.state.mayConnect(topic))
      assert.deepStrictEqual(asked(late.expire()), [])
    })
  })

  it("replace one neighbour in five minutes, if all are members or pass on payloads", () => {
    const node = active()
    vouch(node, "a")
    assert.deepStrictEqual(sends(connect(node, "x", "y")), ["x Neighbor", "y Neighbor"])
    node.receive("x", neighbor("high"))
    node.receive("x", gossip("of x"))
    assert.deepStrictEqual(sends(node.receive("y", neighbor("high"))), ["y ShuffleReply", "y Disconnect"])
    assert.include(node.active, "x")
    node.now += 299_999
    assert.deepStrictEqual(connect(node, "z"), [])
    assert.isFalse(node.state.mayConnect(topic))
    node.now += 1
    assert.deepStrictEqual(sends(connect(node, "z")), ["z Neighbor"])
    assert.isTrue(node.state.mayConnect(topic))
  })

  it("are free while no member or a silent stranger is among the neighbours", () => {
    for (const prepare of [active, () => new Node().withNeighbors("a", "b"), full]) {
      const node = prepare()
      if (prepare === full) vouch(node, "a")
      for (const peer of ["u", "v", "w"]) {
        connect(node, peer)
        node.receive(peer, neighbor("high"))
        assert.include(node.active, peer)
      }
    }
  })
})

describe("a silent stranger that was replaced", () => {
  it("gets no neighbour's place for ten seconds", () => {
    const node = full()
    node.receive("x", neighbor("high"))
    const [gone] = ["a", "b", "c", "d", "e"].filter((peer) => !node.active.includes(peer))
    const before = node.active
    assert.deepStrictEqual(disconnects(node.receive(gone!, neighbor("high"))), [gone!])
    assert.deepStrictEqual(node.active, before)
    node.now += 9_999
    node.receive(gone!, neighbor("high"))
    assert.notInclude(node.active, gone!)
    node.now += 1
    node.receive(gone!, neighbor("high"))
    assert.include(node.active, gone!)
  })

  it("may come back if it has passed on a payload", () => {
    const node = full()
    for (const peer of ["a", "b", "c", "d", "e"]) node.receive(peer, gossip(`from ${peer}`))
    node.receive("x", neighbor("high"))
    const [gone] = ["a", "b", "c", "d", "e"].filter((peer) => !node.active.includes(peer))
    node.receive(gone!, neighbor("high"))
    assert.include(node.active, gone!)
  })

  it("gets a place at once when it is vouched for", () => {
    const node = full()
    node.receive("x", neighbor("high"))
    const [gone] = ["a", "b", "c", "d", "e"].filter((peer) => !node.active.includes(peer))
    vouch(node, gone!)
    node.receive(gone!, neighbor("high"))
    assert.include(node.active, gone!)
  })
})

describe("a full view with few members", () => {
  /** Runs the timer of these actions. */
  const expire = (node: Node, actions: ReadonlyArray<Protocol.Action<string>>) => {
    const [seek] = timers(actions, "SeekMember")
    if (seek === undefined) throw new Error("no timer")
    node.now += seek.delayMs
    return { delayMs: seek.delayMs, actions: node.handle({ _tag: "TimerExpired", timer: seek.timer }) }
  }

  const members = Array.from({ length: 200 }, (_, i) => `member ${i}`)
  const priorities = (actions: ReadonlyArray<Protocol.Action<string>>) =>
    actions.flatMap((action) =>
      action._tag === "Send" && action.message._tag === "Neighbor" ? [action.message.priority] : [],
    )
  /** The waits in s, and the priorities of the requests after each. */
  const rounds = (node: Node, first: ReadonlyArray<Protocol.Action<string>>, count: number) => {
    const seen: Array<readonly [number, ReadonlyArray<string>]> = []
    let last = first
    for (let i = 0; i < count; i++) {
      const { actions, delayMs } = expire(node, last)
      seen.push([delayMs / 1_000, priorities(actions)])
      last = actions
    }
    return seen
  }

  it("asks members for a link: as many as are lacking in two rounds, then one, less and less often", () => {
    const node = full()
    vouch(node, "a")
    const first = vouch(node, ...members)
    assert.deepStrictEqual(sends(first), ["member 0 Neighbor", "member 1 Neighbor"], "the new ones")
    assert.deepStrictEqual(priorities(first), ["low", "low"])
    const seconds = [2, 4, 8, 16, 32, 64, 128, 256, 256]
    assert.deepStrictEqual(
      rounds(node, first, 9),
      seconds.map((each, i) => [each, i < 2 ? ["low", "low"] : ["low"]]),
    )
  })

  it("without any member asks sooner, and one of them in a way that is never refused, three times", () => {
    const node = full()
    const first = vouch(node, ...members)
    assert.deepStrictEqual(
      sends(first),
      ["member 0 Neighbor", "member 1 Neighbor", "member 2 Neighbor"],
      "the new ones",
    )
    assert.deepStrictEqual(priorities(first), ["high", "low", "low"])
    assert.deepStrictEqual(rounds(node, first, 4), [
      [0.25, ["high", "low", "low"]],
      [0.5, ["high", "low", "low"]],
      [1, ["low"]],
      [2, ["low"]],
    ])
  })

  it("that loses its only member seeks from the shortest wait again, once in ten seconds", () => {
    const node = full()
    let last = vouch(node, "m")
    const lose = () => {
      node.receive("m", neighbor("high"))
      assert.include(node.active, "m")
      node.receive("m", { _tag: "Disconnect", alive: true, respond: false })
      return node.receive("f", neighbor("low"))
    }
    for (let i = 0; i < 4; i++) last = expire(node, last).actions
    // The running timer has its old wait.
    lose()
    const again = expire(node, last)
    assert.strictEqual(again.delayMs, 4_000)
    assert.deepStrictEqual(priorities(again.actions), ["high"])
    assert.strictEqual(expire(node, again.actions).delayMs, 500)
  })

  it("lets them in when they answer, in the place of a stranger, and then asks no more", () => {
    const node = full()
    const actions = vouch(node, "u", "v", "w", "x")
    const asked = sends(actions).map((sent) => sent.split(" ")[0]!)
    assert.deepStrictEqual(asked, ["u", "v", "w"])
    for (const member of asked) node.receive(member, neighbor("low"))
    assert.includeMembers([...node.active], asked)
    const [seek] = timers(actions, "SeekMember")
    node.now += seek!.delayMs
    assert.deepStrictEqual(node.handle({ _tag: "TimerExpired", timer: seek!.timer }), [])
  })

  it("asks six new members at once, and then one in 20 s", () => {
    const node = full()
    const vouchForNew = (count: number) => {
      let asked = 0
      for (let i = 0; i < count; i++) asked += sends(vouch(node, `${node.now} ${i}`)).length
      return asked
    }
    assert.strictEqual(vouchForNew(50), 6)
    node.now += 40_000
    assert.strictEqual(vouchForNew(50), 2)
  })

  it("does not ask while there is a free place, or no other member is known", () => {
    assert.deepStrictEqual(vouch(new Node().withNeighbors("a", "b"), "x", "y"), [])
    assert.deepStrictEqual(vouch(full(), "a", "b"), [])
  })
})

describe("a peer that takes us for a neighbour", () => {
  it("is corrected at a duplicate payload, at a limited rate, and not if it has been asked", () => {
    const node = new Node().withNeighbors("a", "b")
    node.receive("a", gossip("news"))
    const actions = node.receive("x", gossip("news"))
    assert.deepStrictEqual(sentTo(actions, "x"), [{ _tag: "Disconnect", alive: true, respond: false }])
    let corrections = 0
    for (let i = 0; i < 100; i++) corrections += sends(node.receive(`x${i}`, gossip("news"))).length
    assert.strictEqual(corrections, 7)
    node.now += 2_000
    node.receive("a", { _tag: "ForwardJoin", peer: { id: "asked", data: undefined }, ttl: 0 })
    assert.deepStrictEqual(sends(node.receive("asked", gossip("news"))), [])
  })
})

describe("a peer's own words", () => {
  it("about its addresses are not replaced by those of others", () => {
    const node = new Node().withNeighbors("a", "b")
    const about = { id: "b", data: bytes("elsewhere") }
    node.receive("a", { _tag: "ShuffleReply", nodes: [about] })
    const { peerData } = node.topic.membership.bookkeeping
    assert.deepStrictEqual(peerData.get("b"), bytes("b"))
    node.receive("b", { _tag: "Shuffle", origin: "b", nodes: [{ id: "b", data: bytes("moved") }], ttl: 6 })
    assert.deepStrictEqual(peerData.get("b"), bytes("moved"))
    node.receive("a", { _tag: "ForwardJoin", peer: { id: "x", data: bytes("here") }, ttl: 3 })
    node.receive("a", { _tag: "ForwardJoin", peer: { id: "x", data: bytes("there") }, ttl: 3 })
    assert.deepStrictEqual(peerData.get("x"), bytes("there"))
  })
})

describe("guests", () => {
  /** The peer asks so often, and is refused, or replaced by members. */
  const sendAway = (node: Node, peer: string, times: number) => {
    for (let i = 0; i < times; i++) {
      node.receive(peer, neighbor("high"))
      for (let j = 0; node.active.includes(peer) && j < 200; j++) {
        vouch(node, `m${i}.${j}`)
        node.receive(`m${i}.${j}`, neighbor("high"))
      }
      assert.notInclude(node.active, peer)
      node.now += 10_000
    }
  }
  const membership = (node: Node) => node.topic.membership.bookkeeping

  it("are peers that were sent away twice if they are members, else three times; they replace nobody", () => {
    for (const [isMember, times] of [
      [true, 2],
      [false, 3],
    ] as const) {
      const node = full()
      if (isMember) vouch(node, "x")
      sendAway(node, "x", times)
      const before = [...node.active].sort()
      assert.strictEqual(before.length, 5)
      node.receive("x", neighbor("high"))
      assert.deepStrictEqual([...node.active].sort(), [...before, "x"].sort())
      assert.deepStrictEqual([...membership(node).guests], ["x"])
    }
  })

  it("are none if they were sent away once, long ago, or ask with low priority", () => {
    const once = full()
    vouch(once, "x")
    sendAway(once, "x", 1)
    once.receive("x", neighbor("high"))
    assert.strictEqual(once.active.length, 5)
    const late = full()
    vouch(late, "x")
    sendAway(late, "x", 2)
    late.now += 60_000
    late.receive("x", neighbor("high"))
    assert.strictEqual(late.active.length, 5)
    const low = full()
    vouch(low, "x")
    sendAway(low, "x", 2)
    low.receive("x", neighbor("low"))
    assert.strictEqual(membership(low).guests.size, 0)
  })

  it("leave no room for more: a peer that keeps coming back then gets no neighbour's place for half a minute", () => {
    const node = full()
    for (let i = 0; i < MAX_GUESTS + 1; i++) {
      vouch(node, `x${i}`)
      sendAway(node, `x${i}`, 2)
      node.now -= 20_000
      node.receive(`x${i}`, neighbor("high"))
    }
    const last = `x${MAX_GUESTS}`
    assert.notInclude(node.active, last)
    const before = node.active
    node.now += 9_999
    assert.deepStrictEqual(disconnects(node.receive(last, neighbor("high"))), [last])
    assert.deepStrictEqual(node.active, before)
    // It was sent away last ten seconds after the time to which the loop went back.
    node.now += 30_000
    assert.deepStrictEqual(disconnects(node.receive(last, neighbor("high"))), [last])
    node.now += 1
    node.receive(last, neighbor("high"))
    assert.include(node.active, last)
  })

  it("are twenty at most; members take the places of strangers among them, and guests those of neighbours that left", () => {
    const node = full()
    for (let i = 0; i < MAX_GUESTS + 1; i++) sendAway(node, `x${i}`, 3)
    node.now -= 10_000 * 3 * (MAX_GUESTS + 1)
    for (let i = 0; i < MAX_GUESTS + 1; i++) node.receive(`x${i}`, neighbor("high"))
    assert.strictEqual(membership(node).guests.size, MAX_GUESTS)
    vouch(node, "member")
    sendAway(node, "member", 2)
    node.receive("member", neighbor("high"))
    assert.strictEqual(membership(node).guests.size, MAX_GUESTS)
    assert.isTrue(membership(node).guests.has("member"))
    assert.strictEqual(node.active.length, 5 + MAX_GUESTS)
    const [guest] = membership(node).guests
    const [left] = node.active.filter((peer) => !membership(node).guests.has(peer))
    node.receive(left!, { _tag: "Disconnect", alive: false, respond: false })
    assert.isFalse(membership(node).guests.has(guest!))
    assert.include(node.active, guest)
    assert.strictEqual(node.active.length, 4 + MAX_GUESTS)
  })
})
