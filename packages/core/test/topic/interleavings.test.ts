import { assert, describe, it } from "@effect/vitest"
import { type FiberCounter, makeFiberCounter } from "@topic-tracker/common/testing"
import { messageHash } from "@topic-tracker/crypto"
import { Effect, Exit, Random, Schema, Scope, Stream } from "effect"
import type { Topic } from "../../src/topic/Topic.ts"
import { isOneSwarm, makeWorld, type Node, pass, settle } from "./world.ts"

const PLACES = 5
const Place = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: PLACES - 1 }))

/** An event of the node at a place. An event that is impossible in the node's state has no effect. */
const Step = Schema.Union([
  Schema.Struct({ do: Schema.Literal("join"), place: Place }),
  Schema.Struct({ do: Schema.Literals(["join", "broadcast"]), place: Place }),
  Schema.Struct({ do: Schema.Literals(["leave", "die", "suspend", "resume", "broadcast"]), place: Place }),
  Schema.Struct({
    do: Schema.Literal("wait"),
    ms: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20_000 })),
  }),
])
const Steps = Schema.Array(Step).check(Schema.isMinLength(5), Schema.isMaxLength(25))

/** A node in the topic, and the messages that it has received so far. */
interface Member {
  readonly node: Node
  readonly topic: Topic
  readonly scope: Scope.Closeable
  readonly received: Array<string>
  suspended: boolean
}

const makeModel = Effect.fnUntraced(function* () {
  const world = yield* makeWorld({ dht: { nodes: 60, k: 8, keepFirst: 0.5 } })
  const members: Array<Member | undefined> = Array.from({ length: PLACES }, () => undefined)
  const idle: Array<{ readonly node: Node; readonly counter: FiberCounter; readonly atRest: number }> = []
  const sent = new Map<string, string>()

  const join = Effect.fnUntraced(function* (place: number) {
    const counter = makeFiberCounter()
    const node = yield* counter.counted(world.node())
    yield* pass("200 millis")
    idle.push({ node, counter, atRest: counter.alive })
    const scope = yield* Scope.make()
    const topic = yield* node.join().pipe(Scope.provide(scope), counter.counted)
    const received: Array<string> = []
    const messages = yield* topic.subscribe().pipe(Scope.provide(scope))
    yield* messages.pipe(
      Stream.runForEach((event) => Effect.sync(() => event._tag === "Message" && received.push(event.text!))),
      Effect.forkIn(scope),
    )
    members[place] = { node, topic, scope, received, suspended: false }
  })

  const leave = (place: number, member: Member) => {
    members[place] = undefined
    return Scope.close(member.scope, Exit.void)
  }

  const broadcast = (member: Member) => {
    const text = `message ${sent.size}`
    sent.set(text, member.node.endpointId)
    return member.topic.broadcast(text)
  }

  const apply = Effect.fnUntraced(function* (step: typeof Step.Type) {
    if (step.do === "wait") return yield* pass(step.ms)
    const member = members[step.place]
    if (member === undefined) return yield* step.do === "join" ? join(step.place) : Effect.void
    switch (step.do) {
      case "leave":
        return yield* leave(step.place, member)
      case "die":
        world.network.crash(member.node.endpointId)
        return yield* leave(step.place, member)
      case "suspend":
        member.suspended = true
        return yield* member.topic.suspend
      case "resume":
        member.suspended = false
        return yield* member.topic.resume
      case "broadcast":
        if (!member.suspended) yield* broadcast(member)
    }
  })

  const here = () => members.filter((member) => member !== undefined)

  /** Assertions that hold at any time, however the network behaves. */
  const checkAlways = Effect.fnUntraced(function* () {
    yield* settle
    for (const { node, topic, received, suspended } of here()) {
      assert.strictEqual(new Set(received).size, received.length, "no message comes twice")
      for (const text of received)
        assert.isTrue(sent.has(text) && sent.get(text) !== node.endpointId, "only others' messages")
      const neighbors = yield* topic.neighbors
      assert.strictEqual(yield* topic.isJoined, neighbors.size > 0)
      assert.isTrue(neighbors.size <= 5 && !neighbors.has(node.endpointId))
      if (suspended) assert.strictEqual(neighbors.size, 0)
      const hashes = received.slice(-5).map((text) => messageHash(new TextEncoder().encode(text)))
      assert.deepStrictEqual(yield* topic.lastMessageHashes, hashes)
    }
    const holders = new Set(here().map(({ node }) => node))
    for (const { node, counter, atRest } of idle) {
      if (holders.has(node)) continue
      assert.strictEqual(counter.alive, atRest, "a topic that was left has no fiber")
      assert.strictEqual(yield* node.tracker.openTopics, 0)
    }
  })

  /** Assertions that hold after some time: the nodes in the topic form one swarm, and each gets the messages of all others, once. */
  const checkAtRest = Effect.fnUntraced(function* () {
    const active = here().filter(({ suspended }) => !suspended)
    const nodes = active.map(({ node }) => node)
    const topics = active.map(({ topic }) => topic)
    assert.isTrue(yield* isOneSwarm(nodes, topics), "the nodes in the topic are one swarm")
    for (const member of active) yield* broadcast(member)
    yield* pass("5 seconds")
    const last = [...sent].slice(-active.length)
    for (const { node, received } of active) {
      const expected = last.flatMap(([text, author]) => (author === node.endpointId ? [] : [text]))
      assert.deepStrictEqual(received.slice(-expected.length || received.length).toSorted(), expected.toSorted())
    }
  })

  return { apply, checkAlways, checkAtRest, active: () => here().filter(({ suspended }) => !suspended).length }
})

describe("any order of events", () => {
  it.effect.prop(
    "join, leave, death, suspension, broadcasts",
    { steps: Steps, seed: Schema.Int },
    ({ steps, seed }) =>
      Effect.gen(function* () {
        const model = yield* makeModel()
        for (const place of [0, 1, 2]) yield* model.apply({ do: "join", place })
        for (const step of steps) {
          yield* model.apply(step)
          yield* model.checkAlways()
        }
        // Peers that died are given up after 30 s, and merges come every 60 to 180 s.
        if (model.active() > 1) {
          yield* pass("8 minutes")
          yield* model.checkAtRest()
        }
        yield* model.checkAlways()
      }).pipe(Effect.scoped, Random.withSeed(seed)),
    { arbitrary: { runs: 15 }, timeout: 60_000 },
  )
})
