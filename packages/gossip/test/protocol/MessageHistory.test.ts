import { assert, describe, it } from "@effect/vitest"
import { HistoryBudget } from "../../src/protocol/HistoryBudget.ts"
import { Xoshiro128 } from "../../src/protocol/index.ts"
import { MessageHistory } from "../../src/protocol/MessageHistory.ts"
import { type Action, configWith, gossip, idOf, Node } from "./node.ts"

const history = (options: Partial<ConstructorParameters<typeof MessageHistory>[0]> = {}) =>
  new MessageHistory({
    idRetentionMs: 10,
    maxIds: 1_000_000,
    payloadRetentionMs: 5,
    maxPayloadBytes: 1_000_000_000,
    budget: new HistoryBudget(Number.POSITIVE_INFINITY),
    ...options,
  })

const sizes = ({ size, payloadSize }: MessageHistory) => [size, payloadSize]

describe("MessageHistory", () => {
  it("is empty at first", () => {
    const had = history()
    had.evict(1_000)
    assert.isFalse(had.has(idOf("a")))
    assert.isUndefined(had.payload(idOf("a")))
    assert.deepStrictEqual(sizes(had), [0, 0])
  })

  it("keeps a payload for its time and the id longer", () => {
    const had = history()
    had.add(gossip("a"), 0)
    had.add(gossip("b"), 3)
    assert.deepStrictEqual(had.payload(idOf("a")), gossip("a"))
    had.evict(4)
    assert.deepStrictEqual(sizes(had), [2, 2])
    had.evict(5)
    assert.isTrue(had.has(idOf("a")))
    assert.isUndefined(had.payload(idOf("a")))
    assert.deepStrictEqual(had.payload(idOf("b")), gossip("b"))
    had.evict(10)
    assert.deepStrictEqual([had.has(idOf("a")), had.has(idOf("b")), ...sizes(had)], [false, true, 1, 0])
    had.evict(13)
    assert.deepStrictEqual(sizes(had), [0, 0])
    had.add(gossip("a"), 14)
    assert.deepStrictEqual(had.payload(idOf("a")), gossip("a"))
  })

  it("starts a message's time again when it comes again", () => {
    const had = history()
    had.add(gossip("a"), 0)
    had.add(gossip("b"), 1)
    had.add(gossip("a", 7), 4)
    assert.deepStrictEqual(sizes(had), [2, 2])
    had.evict(6)
    assert.deepStrictEqual(had.payload(idOf("a")), gossip("a", 7))
    assert.isUndefined(had.payload(idOf("b")))
    had.evict(13)
    assert.deepStrictEqual([had.has(idOf("a")), ...sizes(had)], [true, 1, 0])
    had.evict(14)
    assert.deepStrictEqual(sizes(had), [0, 0])
  })

  it("keeps an id for as long as its payload", () => {
    const had = history({ idRetentionMs: 1 })
    had.add(gossip("a"), 0)
    had.evict(4)
    assert.deepStrictEqual(had.payload(idOf("a")), gossip("a"))
    had.evict(5)
    assert.deepStrictEqual(sizes(had), [0, 0])
  })

  it("drops the oldest messages when there are too many or they are too large", () => {
    const few = history({ maxIds: 2 })
    for (const text of ["a", "b", "c"]) few.add(gossip(text), 0)
    assert.deepStrictEqual([few.has(idOf("a")), few.has(idOf("b")), few.has(idOf("c"))], [false, true, true])
    assert.deepStrictEqual(sizes(few), [2, 2])
    const small = history({ maxPayloadBytes: 600 })
    for (const text of ["a", "b", "c"]) small.add(gossip(text), 0)
    assert.deepStrictEqual(sizes(small), [3, 2])
    assert.isUndefined(small.payload(idOf("a")))
    small.add(gossip("x".repeat(601)), 0)
    assert.deepStrictEqual(sizes(small), [4, 0])
  })

  it("does not grow with a message that comes again many times", () => {
    const had = history({ maxIds: 20 })
    had.add(gossip("before"), 0)
    for (let i = 0; i < 1_000; i++) had.add(gossip("a"), 0)
    assert.deepStrictEqual([had.has(idOf("a")), ...sizes(had)], [true, 1, 1])
  })

  it("equals a Map of messages and times for random additions and evictions", () => {
    const rng = new Xoshiro128(7)
    const messages = Array.from({ length: 400 }, (_, i) => gossip(`message ${i}`))
    const had = history({ idRetentionMs: 300, payloadRetentionMs: 100 })
    const model = new Map<string, number>()
    let now = 0
    let longest = 0
    for (let step = 0; step < 20_000; step++) {
      now += rng.nextInt(3)
      // Rare and frequent additions take turns, so that it grows and shrinks.
      if (rng.nextInt(step % 4_000 < 2_000 ? 20 : 2) === 0) {
        const message = messages[rng.nextInt(messages.length)]!
        had.add(message, now)
        model.set(message.id, now)
      } else if (rng.nextInt(10) === 0) {
        had.evict(now)
        for (const [id, at] of model) if (at + 300 <= now) model.delete(id)
      }
      longest = Math.max(longest, model.size)
      const { id } = messages[rng.nextInt(messages.length)]!
      assert.strictEqual(had.has(id), model.has(id))
      assert.strictEqual(had.size, model.size)
      // Between two evictions a payload is still found beyond its time.
      if (now < (model.get(id) ?? Number.NEGATIVE_INFINITY) + 100) assert.strictEqual(had.payload(id)?.id, id)
    }
    assert.isAbove(longest, 100)
  })
})

describe("the budget of all histories", () => {
  it("makes the largest drop its oldest messages, payloads before ids", () => {
    const budget = new HistoryBudget(100_000)
    const [small, large] = [history({ budget }), history({ budget })]
    for (let i = 0; i < 10; i++) small.add(gossip(`small ${i}`), 0)
    for (let i = 0; i < 10_000; i++) {
      large.add(gossip(`large ${i}`), 0)
      assert.isAtMost(budget.bytes, 100_000)
    }
    assert.strictEqual(budget.bytes, small.bytes + large.bytes)
    assert.deepStrictEqual(sizes(small), [10, 10])
    assert.isTrue(large.has(idOf("large 9999")))
    assert.isFalse(large.has(idOf("large 0")))
    assert.isAbove(large.size, 800)
    assert.isBelow(large.payloadSize, 100)
  })

  it("is free again when messages expire and when a topic is over", () => {
    const budget = new HistoryBudget(100_000)
    const [one, other] = [history({ budget }), history({ budget })]
    for (const had of [one, other]) for (let i = 0; i < 100; i++) had.add(gossip(`${i}`), 0)
    one.evict(1_000)
    assert.strictEqual(budget.bytes, other.bytes)
    other.clear()
    assert.strictEqual(budget.bytes, 0)
    assert.deepStrictEqual(sizes(other), [0, 0])
  })

  it("holds for 500 topics of a node that are flooded together", () => {
    const maxBytes = 1_000_000
    const config = configWith({ broadcast: { messageTotalMaxBytes: maxBytes } })
    const node = new Node(config)
    const topics = Array.from({ length: 500 }, (_, i) => i.toString(16).padStart(64, "0"))
    const out: Array<Action> = []
    for (const topic of topics) node.state.handle({ _tag: "Join", topic, peers: [] }, 0, out)
    for (let i = 0; i < 20; i++) {
      for (const topic of topics) {
        const message = gossip(`${topic} ${i}`.padEnd(500))
        node.state.handle({ _tag: "Received", from: "a", topic, message }, 0, out)
        out.length = 0
      }
    }
    let bytes = 0
    for (const topic of topics) {
      const { seen, cache } = node.state.topic(topic)!.broadcast.sizes
      bytes += seen * 100 + cache * (500 + 256)
    }
    assert.isAtMost(bytes, maxBytes)
    assert.isAbove(bytes, 0.5 * maxBytes)
  })
})
