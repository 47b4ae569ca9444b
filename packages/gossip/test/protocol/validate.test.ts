/** Contents of a topic with a validator are judged before they are forwarded. */
import { assert, describe, it } from "@effect/vitest"
import {
  type Action,
  type ContentVerdict,
  defaultConfig,
  GossipState,
  type Message,
  MessageId,
  Xoshiro128,
} from "../../src/protocol/index.ts"

const TOPIC = "topic"

/** A node with the neighbours `a` and `b`, and a validator that a test sets. */
class Node {
  verdict: ContentVerdict = "accept"
  readonly judged: Array<string> = []
  readonly state: GossipState<string>
  now = 0

  constructor() {
    this.state = new GossipState<string>({
      me: "me",
      peerData: new Uint8Array(0),
      config: defaultConfig,
      rng: new Xoshiro128(1),
      validatorOf: (topic) =>
        topic === TOPIC
          ? (from, content, scope) => {
              this.judged.push(`${from} ${new TextDecoder().decode(content)} ${scope}`)
              return this.verdict
            }
          : undefined,
    })
    for (const topic of [TOPIC, "other"]) {
      this.state.handle({ _tag: "Join", topic, peers: [] }, 0, [])
      for (const from of ["a", "b"]) {
        const message = { _tag: "Neighbor", priority: "high", data: undefined } as const
        this.state.handle({ _tag: "Received", from, topic, message }, 0, [])
      }
    }
  }

  /** What the content of a peer leads to: `to b`, `delivered`. */
  receive(content: string, scope: "swarm" | "neighbors" = "swarm", topic = TOPIC, from = "a"): ReadonlyArray<string> {
    const bytes = new TextEncoder().encode(content)
    const out: Array<Action<string>> = []
    const message: Message<string> = {
      _tag: "Gossip",
      id: MessageId.ofContent(bytes),
      content: bytes,
      scope: scope === "swarm" ? { _tag: "Swarm", round: 0 } : { _tag: "Neighbors" },
    }
    this.state.handle({ _tag: "Received", from, topic, message }, this.now, out)
    return out.flatMap((action) => {
      if (action._tag === "Send" && action.message._tag === "Gossip") return [`to ${action.to}`]
      return action._tag === "Emit" && action.event._tag === "Received" ? ["delivered"] : []
    })
  }

  announce(content: string): number {
    const out: Array<Action<string>> = []
    const id = MessageId.ofContent(new TextEncoder().encode(content))
    const message = { _tag: "IHave", messages: [{ id, round: 1 }] } as const
    this.state.handle({ _tag: "Received", from: "b", topic: TOPIC, message }, this.now, out)
    return out.filter((action) => action._tag === "ScheduleTimer").length
  }
}

describe("a topic with a validator", () => {
  it("forwards and delivers what is accepted, and asks once", () => {
    const node = new Node()
    assert.deepStrictEqual(node.receive("one"), ["to b", "delivered"])
    assert.deepStrictEqual(node.receive("one"), [])
    assert.deepStrictEqual(node.receive("two", "neighbors"), ["delivered"])
    assert.deepStrictEqual(node.judged, ["a one swarm", "a two neighbors"])
  })

  it("neither forwards nor delivers what is ignored or rejected, and asks again only later", () => {
    for (const [verdict, ms] of [
      ["ignore", 10_000],
      ["reject", 90_000],
    ] as const) {
      const node = new Node()
      node.verdict = verdict
      assert.deepStrictEqual(node.receive("one"), [])
      assert.deepStrictEqual(node.receive("one", "swarm", TOPIC, "b"), [])
      assert.strictEqual(node.judged.length, 1)
      // Nobody is asked for it.
      assert.strictEqual(node.announce("one"), 0)
      assert.strictEqual(node.announce("two"), 1)
      node.now = ms - 1
      assert.deepStrictEqual(node.receive("one"), [])
      node.now = ms
      node.verdict = "accept"
      assert.deepStrictEqual(node.receive("one"), ["to b", "delivered"])
      const stats = node.state.stats(TOPIC)
      assert.strictEqual(verdict === "ignore" ? stats?.ignoredPayloads : stats?.rejectedPayloads, 3)
    }
  })

  it("leaves other topics alone", () => {
    const node = new Node()
    node.verdict = "reject"
    assert.deepStrictEqual(node.receive("one", "swarm", "other"), ["to b", "delivered"])
  })
})
