/** The bounds on what a neighbour causes by announcements and Grafts. */
import { assert, describe, it } from "@effect/vitest"
import type { Action, Message } from "./node.ts"
import { gossip, idOf, Node, sends, sentTo, timers } from "./node.ts"

const ihave = (round: number, ...texts: ReadonlyArray<string>): Message => ({
  _tag: "IHave",
  messages: texts.map((text) => ({ id: idOf(text), round })),
})
const texts = (count: number, of = "text") => Array.from({ length: count }, (_, i) => `${of} ${i}`)
const graft = (text: string): Message => ({ _tag: "Graft", id: idOf(text), round: 0 })

/** A node and the graft timers that it started, in order. */
class Asking extends Node {
  private due: Array<{ readonly at: number; readonly timer: ReturnType<typeof timers<"SendGraft">>[number]["timer"] }> =
    []

  override handle(event: Parameters<Node["handle"]>[0]): Array<Action> {
    const actions = super.handle(event)
    for (const { delayMs, timer } of timers(actions, "SendGraft")) this.due.push({ at: this.now + delayMs, timer })
    return actions
  }

  /** Lets time pass. Returns what was sent. */
  pass(ms: number): ReadonlyArray<string> {
    const end = this.now + ms
    const sent: Array<string> = []
    for (;;) {
      this.due.sort((a, b) => a.at - b.at)
      const next = this.due[0]
      if (next === undefined || next.at > end) break
      this.due.shift()
      this.now = next.at
      sent.push(...sends(this.handle({ _tag: "TimerExpired", timer: next.timer })))
    }
    this.now = end
    return sent
  }
}

describe("announcements", () => {
  it("of one neighbour leave at most 2,048 payloads missing, and those of another still count", () => {
    const node = new Node().withNeighbors("a", "b")
    for (let i = 0; i < 100; i++) node.receive("a", ihave(1, ...texts(115, `flood ${i}`)))
    assert.strictEqual(node.topic.broadcast.sizes.missing, 2_048)
    assert.strictEqual(node.topic.stats.droppedAnnouncements, 11_500 - 2_048)
    node.receive("b", ihave(1, ...texts(100)))
    assert.strictEqual(node.topic.broadcast.sizes.missing, 2_148)
  })

  it("of all neighbours leave at most 10,240 payloads missing", () => {
    const peers = ["a", "b", "c", "d", "e"]
    const node = new Node().withNeighbors(...peers)
    for (const peer of peers) for (let i = 0; i < 20; i++) node.receive(peer, ihave(1, ...texts(115, `${peer} ${i}`)))
    assert.strictEqual(node.topic.broadcast.sizes.missing, 10_240)
  })

  it("cause no Graft for a minute after eight of them brought nothing in 2 s", () => {
    const node = new Asking().withNeighbors("a", "b")
    assert.lengthOf(node.receive("a", ihave(1, ...texts(9))) && node.pass(2_500), 9)
    node.receive("a", ihave(1, "more"))
    assert.deepStrictEqual(node.pass(1_000), [])
    assert.strictEqual(node.topic.broadcast.sizes.missing, 0)
    const timersAfter = timers(node.receive("a", ihave(1, ...texts(100, "flood"))), "SendGraft")
    assert.lengthOf(timersAfter, 0, "announcements are not even noted")
    node.receive("b", ihave(1, "more"))
    assert.deepStrictEqual(node.pass(1_000), ["b Graft"], "others are asked")
    node.pass(60_000)
    node.receive("a", ihave(1, "later"))
    assert.deepStrictEqual(node.pass(1_000), ["a Graft"])
  })

  it("count for as long as the neighbour sends payloads, however slowly", () => {
    const node = new Asking().withNeighbors("a", "b")
    for (let i = 0; i < 50; i++) {
      node.receive("a", ihave(1, ...texts(30, `${i}`)))
      assert.lengthOf(node.pass(1_900), 30)
      node.receive("a", gossip(`${i} 0`))
    }
  })

  it("count too if another neighbour always answers first", () => {
    const node = new Asking().withNeighbors("a", "b")
    for (let i = 0; i < 50; i++) {
      node.receive("a", ihave(1, `${i}`))
      assert.deepStrictEqual(node.pass(1_000), ["a Graft"])
      node.receive("b", gossip(`${i}`))
      node.receive("a", gossip(`${i}`))
    }
  })

  it("of a flood cause at most 2,048 Grafts before the neighbour is asked no more", () => {
    const node = new Asking().withNeighbors("a", "b")
    let grafts = 0
    for (let i = 0; i < 300; i++) {
      node.receive("a", ihave(1, ...texts(115, `flood ${i}`)))
      grafts += node.pass(100).length
    }
    assert.isAtMost(grafts, 2_048)
    assert.strictEqual(node.topic.broadcast.sizes.missing, 0)
  })

  it("of few hops do not make a neighbour eager that has never sent a payload", () => {
    const node = new Node().withNeighbors("far", "near")
    node.receive("near", { _tag: "Prune" })
    node.receive("near", ihave(0, "text"))
    assert.deepStrictEqual(sends(node.receive("far", gossip("text", 60))), [])
    assert.deepStrictEqual([node.eager, node.lazy], [["far"], ["near"]])
  })
})

describe("Grafts", () => {
  it("bring a payload once: 3,000 Grafts for it are one answer", () => {
    const node = new Node().withNeighbors("a", "b")
    node.receive("b", gossip("text"))
    let answers = 0
    for (let i = 0; i < 3_000; i++) answers += sentTo(node.receive("a", graft("text")), "a").length
    assert.strictEqual(answers, 1)
    assert.strictEqual(node.topic.stats.droppedGrafts, 2_999)
    assert.lengthOf(sends(node.receive("b", graft("text"))), 1, "another neighbour gets it too")
    node.now += 10_000
    assert.lengthOf(sends(node.receive("a", graft("text"))), 1)
  })

  it("bring a neighbour 1 MiB at once and 1 MiB a second", () => {
    const node = new Node().withNeighbors("a", "b")
    const content = (i: number) => `${i} ${"x".repeat(4_000)}`
    for (let i = 0; i < 1_000; i++) node.receive("b", gossip(content(i)))
    const bytes = () => {
      let sum = 0
      for (let i = 0; i < 1_000; i++) {
        for (const message of sentTo(node.receive("a", graft(content(i))), "a")) {
          if (message._tag === "Gossip") sum += message.content.length
        }
      }
      return sum
    }
    const first = bytes()
    assert.isAtMost(first, 1_048_576)
    assert.isAtLeast(first, 1_040_000)
    node.now += 1_000
    const second = bytes()
    assert.isAtMost(second, 1_048_576 + 4_096)
    assert.isAtLeast(second, 1_040_000)
  })
})
