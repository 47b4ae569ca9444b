import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { bytes, configWith, topic } from "./node.ts"
import { Swarm } from "./Swarm.ts"

const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const name = (i: number) => `n${i}`

/** `size` nodes that join one after the other, each through an earlier one. */
const grow = (swarm: Swarm, size: number, contact: (i: number) => number, pause: number): void => {
  for (let i = 0; i < size; i++) {
    swarm.add(name(i))
    swarm.handle(name(i), { _tag: "Join", topic, peers: i === 0 ? [] : [name(contact(i))] })
    swarm.run(pause)
  }
}

const broadcast = (swarm: Swarm, node: string, text: string): void =>
  swarm.handle(node, { _tag: "Broadcast", topic, content: bytes(text), scope: "swarm" })

const assertSymmetric = (swarm: Swarm): void => {
  for (const node of swarm.states.keys()) {
    for (const neighbor of swarm.neighbors(node)) {
      assert.include(swarm.neighbors(neighbor), node, `${node} has ${neighbor} as a neighbour`)
    }
  }
}

describe("a swarm without failures", () => {
  it.prop(
    "is connected, its active views symmetric, and every message reaches every node once",
    { seed: int(0, 1_000_000), size: int(2, 24), star: Schema.Boolean, pause: int(0, 80) },
    ({ pause, seed, size, star }) => {
      const swarm = new Swarm(configWith({}), seed)
      grow(swarm, size, (i) => (star ? 0 : (seed + i) % i), pause)
      swarm.run(5_000)
      assertSymmetric(swarm)
      assert.strictEqual(swarm.reachable(name(0)).size, size)
      const texts = Array.from({ length: 8 }, (_, i) => `message ${i}`)
      texts.forEach((text, i) => {
        broadcast(swarm, name((seed + i) % size), text)
        swarm.run(i % 3 === 0 ? 0 : 15)
      })
      swarm.run(3_000)
      for (let i = 0; i < size; i++) {
        const others = texts.filter((_, j) => (seed + j) % size !== i)
        assert.deepStrictEqual([...swarm.received.get(name(i))!].sort(), others, name(i))
      }
    },
    { arbitrary: { runs: 60 } },
  )

  it("settles into a tree: the tenth message is sent to each node once", () => {
    const swarm = new Swarm(configWith({}), 4)
    grow(swarm, 40, () => 0, 5)
    swarm.run(5_000)
    for (let i = 0; i < 10; i++) {
      for (const state of swarm.states.values()) state.resetStats(topic)
      broadcast(swarm, name(3), `message ${i}`)
      swarm.run(2_000)
    }
    let payloads = 0
    for (const state of swarm.states.values()) payloads += state.stats(topic)!.payloadMessagesReceived
    assert.strictEqual(payloads, 39)
  })
})

/** The number of messages that all nodes send in a minute without events. */
const sentInAMinute = (swarm: Swarm): number => {
  for (const state of swarm.states.values()) state.resetStats(topic)
  swarm.run(60_000)
  let sent = 0
  for (const state of swarm.states.values()) sent += state.stats(topic)!.messagesSent
  return sent
}

describe("a swarm without events", () => {
  it("sends little, also if an answer takes longer than a request may", () => {
    const swarm = new Swarm(configWith({}), 1, 300)
    grow(swarm, 2, () => 0, 20)
    swarm.run(5_000)
    assert.deepStrictEqual([swarm.neighbors("n0"), swarm.neighbors("n1")], [["n1"], ["n0"]])
    assert.isAtMost(sentInAMinute(swarm), 4, "a Shuffle and its answer from each")
  })

  for (const leastDelay of [1, 260]) {
    it(`sends little, also if one node has free slots and all others have none, over links of at least ${leastDelay} ms`, () => {
      for (let seed = 0; seed < 20; seed++) {
        const swarm = new Swarm(configWith({}), seed, leastDelay)
        grow(swarm, 10, (i) => (7 * seed + i) % i, 20)
        swarm.run(20_000)
        assert.isBelow(sentInAMinute(swarm), 300, `seed ${seed}`)
      }
    })
  }
})

/** One event in a swarm. */
const Step = Schema.Union([
  Schema.Struct({ do: Schema.Literal("join"), node: int(0, 11), via: int(0, 11) }),
  Schema.Struct({ do: Schema.Literals(["quit", "crash", "broadcast", "shuffle"]), node: int(0, 11) }),
  Schema.Struct({ do: Schema.Literal("wait"), ms: int(0, 700) }),
])

describe("a swarm with churn", () => {
  const run = (seed: number, capacity: number, steps: ReadonlyArray<typeof Step.Type>): Swarm => {
    const config = configWith({
      membership: { activeViewCapacity: capacity, passiveViewCapacity: 4, shuffleIntervalMs: 1_000 },
    })
    const swarm = new Swarm(config, seed)
    for (let i = 0; i < 12; i++) swarm.add(name(i))
    steps.forEach((step, i) => {
      switch (step.do) {
        case "join":
          swarm.handle(name(step.node), { _tag: "Join", topic, peers: [name(step.via)] })
          break
        case "quit":
          swarm.handle(name(step.node), { _tag: "Quit", topic })
          break
        case "crash":
          swarm.crash(name(step.node))
          swarm.add(name(step.node))
          break
        case "broadcast":
          broadcast(swarm, name(step.node), `step ${i}`)
          break
        case "shuffle":
          swarm.run(1_000)
          break
        case "wait":
          swarm.run(step.ms)
      }
    })
    swarm.run(10_000)
    return swarm
  }

  it.prop(
    "keeps its invariants, is symmetric once it settles, delivers nothing twice and frees everything in the end",
    {
      seed: int(0, 1_000_000),
      capacity: int(2, 5),
      steps: Schema.Array(Step).check(Schema.isMinLength(15), Schema.isMaxLength(80)),
    },
    ({ capacity, seed, steps }) => {
      const swarm = run(seed, capacity, steps)
      assertSymmetric(swarm)
      for (const texts of swarm.received.values()) assert.strictEqual(new Set(texts).size, texts.length)
      for (const [node, state] of swarm.states) {
        const sizes = state.topic(topic)?.broadcast.sizes
        assert.strictEqual((sizes?.missing ?? 0) + (sizes?.lazyQueue ?? 0), 0)
        swarm.handle(node, { _tag: "Quit", topic })
      }
      swarm.run(1_000)
      for (const state of swarm.states.values()) {
        assert.deepStrictEqual([...state.topics()], [])
        assert.strictEqual(state.connectionCount, 0)
      }
    },
    { arbitrary: { runs: 150 } },
  )

  it("is one swarm again after a third of it crashed", () => {
    for (let seed = 0; seed < 5; seed++) {
      const swarm = new Swarm(configWith({ membership: { shuffleIntervalMs: 1_000 } }), seed)
      grow(swarm, 30, (i) => (7 * i) % i, 20)
      swarm.run(5_000)
      for (let i = 0; i < 30; i += 3) swarm.crash(name(i))
      swarm.run(5_000)
      assert.strictEqual(swarm.reachable(name(1)).size, 20, `seed ${seed}`)
      assertSymmetric(swarm)
    }
  })
})
