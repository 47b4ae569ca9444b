import { assert, describe, it } from "@effect/vitest"
import * as Protocol from "../../src/protocol/index.ts"
import type { Action, Message } from "./node.ts"
import { bytes, configWith, emitted, gossip, idOf, Node, sends, sentTo, timers, topic } from "./node.ts"

const prune: Message = { _tag: "Prune" }
const ihave = (round: number, ...texts: ReadonlyArray<string>): Message => ({
  _tag: "IHave",
  messages: texts.map((text) => ({ id: idOf(text), round })),
})
const broadcast = (node: Node, text: string, scope: "swarm" | "neighbors" = "swarm"): Array<Action> =>
  node.handle({ _tag: "Broadcast", topic, content: bytes(text), scope })
const fire = (node: Node, actions: ReadonlyArray<Action>, tag: "SendGraft" | "DispatchLazyPush" | "EvictCache") => {
  const [timer] = timers(actions, tag)
  if (timer === undefined) throw new Error(`no ${tag} timer`)
  node.now += timer.delayMs
  return node.handle({ _tag: "TimerExpired", timer: timer.timer })
}

describe("eager push", () => {
  it("sends what we broadcast to every neighbour, as one message of 0 hops", () => {
    const node = new Node().withNeighbors("a", "b")
    const actions = broadcast(node, "hello")
    assert.deepStrictEqual(sends(actions), ["a Gossip", "b Gossip"])
    const [[toA], [toB]] = [sentTo(actions, "a"), sentTo(actions, "b")]
    assert.deepStrictEqual(toA, gossip("hello", 0))
    assert.strictEqual(toA, toB, "one object, so that it is encoded once")
    assert.deepStrictEqual(emitted(actions), [], "our own broadcast is no event for us")
  })

  it("delivers a payload and forwards it, with one hop more, to all peers except its sender", () => {
    const node = new Node().withNeighbors("a", "b", "c")
    const actions = node.receive("a", gossip("hello", 4))
    assert.deepStrictEqual(sends(actions), ["b Gossip", "c Gossip"])
    assert.deepStrictEqual(sentTo(actions, "b"), [gossip("hello", 5)])
    assert.deepInclude(actions, {
      _tag: "Emit",
      topic,
      event: {
        _tag: "Received",
        id: idOf("hello"),
        content: bytes("hello"),
        deliveredFrom: "a",
        scope: "swarm",
        round: 4,
      },
    })
    assert.strictEqual(node.topic.stats.maxLastDeliveryHop, 4)
  })

  it("never counts more hops than a round can hold", () => {
    const node = new Node().withNeighbors("a", "b")
    assert.deepStrictEqual(sentTo(node.receive("a", gossip("far", 65_535)), "b"), [gossip("far", 65_535)])
  })

  it("to neighbours only reaches lazy peers too and is not forwarded", () => {
    const node = new Node().withNeighbors("a", "b")
    node.receive("b", prune)
    const sent = broadcast(node, "psst", "neighbors")
    assert.deepStrictEqual([...sends(sent)].sort(), ["a Gossip", "b Gossip"])
    assert.deepStrictEqual(timers(sent, "DispatchLazyPush"), [])
    const received = node.receive("a", { ...gossip("heard"), scope: { _tag: "Neighbors" } })
    assert.deepStrictEqual(sends(received), [])
    assert.deepStrictEqual(emitted(received), ["Received heard"])
  })

  it("drops and counts content whose hash is not its id", () => {
    const node = new Node().withNeighbors("a", "b")
    const actions = node.receive("a", { ...gossip("true"), content: bytes("false") })
    assert.deepStrictEqual(actions, [])
    assert.strictEqual(node.topic.stats.forgedPayloads, 1)
    assert.deepStrictEqual(emitted(node.receive("b", gossip("true"))), ["Received true"])
  })
})

describe("pruning", () => {
  it("makes the sender of a duplicate lazy, and asks it to do the same", () => {
    const node = new Node().withNeighbors("a", "b")
    node.receive("a", gossip("hello"))
    const actions = node.receive("b", gossip("hello", 3))
    assert.deepStrictEqual(actions, [{ _tag: "Send", to: "b", topic, message: prune }])
    assert.deepStrictEqual([node.eager, node.lazy], [["a"], ["b"]])
    assert.strictEqual(node.topic.stats.duplicatePayloads, 1)
  })

  it("makes the sender of a Prune lazy", () => {
    const node = new Node().withNeighbors("a", "b")
    node.receive("a", prune)
    assert.deepStrictEqual([node.eager, node.lazy], [["b"], ["a"]])
  })

  it("changes nothing for a peer that is no neighbour", () => {
    const node = new Node().withNeighbors("a")
    node.receive("stranger", prune)
    node.receive("stranger", { _tag: "Graft", id: undefined, round: 0 })
    node.receive("stranger", ihave(0, "hello"))
    node.receive("stranger", gossip("news"))
    assert.deepStrictEqual([node.eager, node.lazy], [["a"], []])
    assert.strictEqual(node.topic.broadcast.sizes.missing, 0)
  })

  it("is forgotten when the neighbour comes back", () => {
    const node = new Node().withNeighbors("a")
    node.receive("a", prune)
    node.handle({ _tag: "PeerDisconnected", peer: "a" })
    assert.deepStrictEqual([node.eager, node.lazy], [[], []])
    node.withNeighbors("a")
    assert.deepStrictEqual([node.eager, node.lazy], [["a"], []])
  })
})

describe("lazy push", () => {
  it("collects ids for 5 ms and sends each lazy peer one IHave", () => {
    const node = new Node().withNeighbors("a", "b", "c")
    node.receive("b", prune)
    const first = broadcast(node, "one")
    assert.deepStrictEqual(
      timers(first, "DispatchLazyPush").map((each) => each.delayMs),
      [5],
    )
    const second = node.receive("a", gossip("two", 2))
    assert.deepStrictEqual(timers(second, "DispatchLazyPush"), [], "one timer for all")
    const actions = fire(node, first, "DispatchLazyPush")
    assert.deepStrictEqual(actions, [
      {
        _tag: "Send",
        to: "b",
        topic,
        message: {
          _tag: "IHave",
          messages: [
            { id: idOf("one"), round: 0 },
            { id: idOf("two"), round: 3 },
          ],
        },
      },
    ])
    assert.strictEqual(node.topic.broadcast.sizes.lazyQueue, 0)
  })

  it("splits an IHave that would not fit into a message", () => {
    const node = new Node().withNeighbors("a", "b")
    node.receive("b", prune)
    const first = broadcast(node, "0")
    for (let i = 1; i < 300; i++) broadcast(node, `${i}`)
    const messages = sentTo(fire(node, first, "DispatchLazyPush"), "b")
    assert.deepStrictEqual(
      messages.map((message) => message._tag === "IHave" && message.messages.length),
      [116, 116, 68],
    )
  })

  it("announces nothing to a peer that left, nor to the sender of the payload", () => {
    const node = new Node().withNeighbors("a", "b", "c")
    node.receive("a", prune)
    node.receive("b", prune)
    const actions = node.receive("a", gossip("hello"))
    node.handle({ _tag: "PeerDisconnected", peer: "b" })
    assert.deepStrictEqual(sends(fire(node, actions, "DispatchLazyPush")), [])
  })
})

describe("leaving", () => {
  const leave = (node: Node) => node.handle({ _tag: "Quit", topic })

  it("sends lazy peers the payloads that were only announced to them, before the Disconnect", () => {
    const node = new Node().withNeighbors("a", "b")
    node.receive("b", prune)
    const announced = broadcast(node, "first")
    fire(node, announced, "DispatchLazyPush")
    broadcast(node, "second")
    const actions = leave(node)
    assert.deepStrictEqual(sentTo(actions, "b").slice(0, 2), [gossip("first", 0), gossip("second", 0)])
    assert.deepStrictEqual(
      sends(actions).filter((sent) => /Gossip|Disconnect/.test(sent)),
      ["b Gossip", "b Gossip", "a Disconnect", "b Disconnect"],
    )
  })

  it("sends lazy peers the payloads of others that wait to be announced", () => {
    const node = new Node().withNeighbors("a", "b")
    node.receive("b", prune)
    node.receive("a", gossip("from afar", 2))
    assert.deepStrictEqual(sentTo(leave(node), "b")[0], gossip("from afar", 3))
  })

  it("does not send payloads again that peers had time to ask for", () => {
    const node = new Node().withNeighbors("a", "b")
    node.receive("b", prune)
    fire(node, broadcast(node, "long ago"), "DispatchLazyPush")
    node.now += 250
    assert.deepStrictEqual(
      sends(leave(node)).filter((sent) => sent.endsWith("Gossip")),
      [],
    )
  })
})

describe("grafting", () => {
  it("asks for an announced payload after 80 ms, then each other announcer after 40 ms more", () => {
    const node = new Node().withNeighbors("a", "b", "c")
    node.receive("a", prune)
    const first = node.receive("a", ihave(2, "lost"))
    node.receive("b", ihave(5, "lost"))
    node.receive("b", ihave(5, "lost"))
    assert.deepStrictEqual(
      timers(first, "SendGraft").map((each) => each.delayMs),
      [80],
    )
    const grafted = fire(node, first, "SendGraft")
    assert.deepStrictEqual(sentTo(grafted, "a"), [{ _tag: "Graft", id: idOf("lost"), round: 2 }])
    assert.include(node.eager, "a", "a peer that is asked becomes eager")
    assert.deepStrictEqual(
      timers(grafted, "SendGraft").map((each) => each.delayMs),
      [40],
    )
    const again = fire(node, grafted, "SendGraft")
    assert.deepStrictEqual(sends(again), ["b Graft"])
    assert.deepStrictEqual(fire(node, again, "SendGraft"), [], "no peer is left to ask")
    assert.strictEqual(node.topic.broadcast.sizes.missing, 0)
    assert.strictEqual(
      timers(node.receive("c", ihave(1, "lost")), "SendGraft").length,
      1,
      "a new announcement starts again",
    )
  })

  it("does not ask for a payload that came in the meantime or was there before", () => {
    const node = new Node().withNeighbors("a", "b")
    const announced = node.receive("a", ihave(2, "late"))
    node.receive("b", gossip("late", 3))
    assert.deepStrictEqual(fire(node, announced, "SendGraft"), [])
    assert.deepStrictEqual(node.receive("a", ihave(2, "late")), [])
  })

  it("does not ask for a payload that this node broadcasts itself in the meantime", () => {
    const node = new Node().withNeighbors("a", "b")
    const announced = node.receive("a", ihave(2, "same"))
    broadcast(node, "same")
    assert.deepStrictEqual(fire(node, announced, "SendGraft"), [])
    assert.strictEqual(node.topic.broadcast.sizes.missing, 0)
  })

  it("does not ask a peer that left", () => {
    const node = new Node().withNeighbors("a", "b")
    const announced = node.receive("a", ihave(2, "lost"))
    node.receive("b", ihave(2, "lost"))
    node.handle({ _tag: "PeerDisconnected", peer: "a" })
    const grafted = fire(node, announced, "SendGraft")
    assert.deepStrictEqual(sends(grafted), ["b Graft"])
    node.handle({ _tag: "PeerDisconnected", peer: "b" })
    assert.deepStrictEqual(fire(node, grafted, "SendGraft"), [])
    assert.strictEqual(node.topic.broadcast.sizes.missing, 0)
  })

  it("is answered with the payload and our round, and makes the sender of the Graft eager", () => {
    const node = new Node().withNeighbors("a", "b")
    node.receive("b", prune)
    node.receive("a", gossip("hello", 4))
    const actions = node.receive("b", { _tag: "Graft", id: idOf("hello"), round: 5 })
    assert.deepStrictEqual(sentTo(actions, "b"), [gossip("hello", 5)])
    assert.deepStrictEqual(node.eager, ["a", "b"])
    assert.deepStrictEqual(node.receive("b", { _tag: "Graft", id: idOf("unknown"), round: 5 }), [])
  })
})

describe("optimising the tree", () => {
  const receiveAfterIHave = (gossipRound: number) => {
    const node = new Node().withNeighbors("near", "far")
    node.receive("near", gossip("before"))
    node.receive("near", prune)
    node.receive("near", ihave(2, "hi"))
    return { node, actions: node.receive("far", gossip("hi", gossipRound)) }
  }

  it("replaces a peer by one that is 7 hops nearer to the author", () => {
    const { actions, node } = receiveAfterIHave(8)
    assert.deepStrictEqual(sentTo(actions, "near").at(-1), { _tag: "Graft", id: undefined, round: 2 })
    assert.deepStrictEqual(sentTo(actions, "far"), [prune])
    assert.deepStrictEqual([node.eager, node.lazy], [["near"], ["far"]])
  })

  it("changes nothing for a difference of 6 hops", () => {
    const { actions, node } = receiveAfterIHave(7)
    assert.deepStrictEqual(sends(actions), [])
    assert.deepStrictEqual([node.eager, node.lazy], [["far"], ["near"]])
  })
})

describe("the caches", () => {
  it("keep payloads for 30 s and ids for 90 s", () => {
    const node = new Node().withNeighbors("a", "b")
    const [evict] = timers(node.receive("a", gossip("hello")), "EvictCache")
    assert.strictEqual(evict?.delayMs, 1_000)
    const tick = () => node.handle({ _tag: "TimerExpired", timer: evict!.timer })
    assert.strictEqual(timers(tick(), "EvictCache").length, 1, "the timer goes on")
    node.now = 29_999
    tick()
    assert.deepStrictEqual(node.topic.broadcast.sizes, { missing: 0, seen: 1, cache: 1, lazyQueue: 0 })
    node.now = 30_000
    tick()
    assert.deepStrictEqual(node.topic.broadcast.sizes, { missing: 0, seen: 1, cache: 0, lazyQueue: 0 })
    assert.deepStrictEqual(sends(node.receive("b", gossip("hello"))), ["b Prune"], "still known")
    node.now = 90_000
    assert.deepStrictEqual(timers(tick(), "EvictCache"), [], "there is nothing to evict")
    assert.deepStrictEqual(node.topic.broadcast.sizes, { missing: 0, seen: 0, cache: 0, lazyQueue: 0 })
    assert.strictEqual(timers(node.receive("a", gossip("again")), "EvictCache").length, 1, "and now there is")
  })

  it("stay within their limits when many messages come", () => {
    const config = configWith({ broadcast: { messageIdMaxCount: 100, messageCacheMaxBytes: 10_000 } })
    const node = new Node(config).withNeighbors("a")
    for (let i = 0; i < 1_000; i++) node.receive("a", gossip(`message ${i}`))
    assert.strictEqual(node.topic.broadcast.sizes.seen, 100)
    assert.isAtMost(node.topic.broadcast.sizes.cache, Math.floor(10_000 / 256))
    assert.deepStrictEqual(sends(node.receive("a", gossip("message 999"))), ["a Prune"], "the latest are the ones kept")
  })
})

describe("counters", () => {
  it("count payloads and control messages separately and are 0 after a reset", () => {
    const node = new Node().withNeighbors("a", "b")
    node.state.resetStats(topic)
    node.receive("a", gossip("one", 3))
    node.receive("a", gossip("one", 3))
    node.receive("b", ihave(1, "two"))
    node.receive("b", prune)
    const stats = node.state.stats(topic)
    assert.deepStrictEqual(stats, {
      messagesSent: 2,
      messagesReceived: 4,
      payloadMessagesReceived: 2,
      controlMessagesReceived: 2,
      maxLastDeliveryHop: 3,
      duplicatePayloads: 1,
      forgedPayloads: 0,
      ignoredPayloads: 0,
      rejectedPayloads: 0,
      droppedMessages: 0,
      droppedNames: 0,
      refusedRequests: 0,
      refusals: 0,
      droppedAnnouncements: 0,
      droppedGrafts: 0,
    })
    node.state.resetStats(topic)
    assert.isTrue(Object.values(node.topic.stats).every((count) => count === 0))
  })

  it("hold ids as short strings that convert to hex", () => {
    assert.strictEqual(
      Protocol.MessageId.toHex(idOf("")),
      "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
    )
  })
})
