/** A neighbour that reads slowly or not at all: the topic goes on for the others. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { OpenTopic } from "../../src/engine/OpenTopic.ts"
import type { Protocol } from "../../src/index.ts"
import { makeEngine } from "./bareEngine.ts"
import {
  connectPeer,
  freshContent,
  idOfPayload,
  neighborRequest,
  passMs,
  payloadOf,
  type RemotePeer,
} from "./remotePeer.ts"
import { freshTopic } from "./world.ts"

const LIMITS = { sendQueueBytes: 262_144, stallTimeoutMs: 5_000 }

const setUp = Effect.fnUntraced(function* () {
  const engine = yield* makeEngine({}, LIMITS)
  const id = freshTopic()
  const topic = engine.openTopic(id)!
  const connect = (options?: Parameters<typeof connectPeer>[2]) => connectPeer(engine, id, options)
  return { engine, topic, connect }
})

const join = (peer: RemotePeer) => {
  peer.send(neighborRequest)
  return passMs(10)
}

const payloadsOf = (peer: RemotePeer) =>
  peer.taken.filter((message): message is Protocol.Gossip => message._tag === "Gossip")

/** Whether a broadcast would wait, tried every 50 ms for one second. */
const waitingTimes = (topic: OpenTopic) =>
  Effect.gen(function* () {
    let waiting = 0
    for (let i = 0; i < 20; i++) {
      yield* passMs(50)
      if (topic.isCongested) waiting++
    }
    return waiting
  })

describe("a neighbour that takes one write each 29 s", () => {
  it.effect("does not hold the others back, is closed within 10 s of being slow, and refused for a while", () =>
    Effect.gen(function* () {
      const { connect, engine, topic } = yield* setUp()
      const [author, reader] = [connect(), connect()]
      const slow = connect({ takesAll: false })
      for (const peer of [author, reader, slow]) yield* join(peer)
      assert.strictEqual(topic.neighbors.size, 3)
      let sent = 0
      let waiting = 0
      let congestedAt: number | undefined
      let closedAt: number | undefined
      let again: RemotePeer | undefined
      for (let second = 0; second < 120; second++) {
        for (let i = 0; i < 20; i++, sent++) author.send(payloadOf(freshContent()))
        if (second % 29 === 28) slow.takeOne()
        waiting += yield* waitingTimes(topic)
        if (topic.isCongested || sent * 1_000 > LIMITS.sendQueueBytes) congestedAt ??= second
        if (slow.isClosed()) {
          closedAt ??= second
          again ??= connect({ id: slow.id })
        }
      }
      assert.isAtLeast(payloadsOf(reader).length, 0.95 * sent)
      assert.isAtMost(waiting, 10, "half a second")
      assert.isAtMost(closedAt! - congestedAt!, 10)
      assert.strictEqual(engine.stats().stalls, 1)

      assert.isTrue(again!.isClosed())
      assert.strictEqual(engine.stats().refused, 1)
      assert.isFalse(connect({ id: slow.id }).isClosed())
    }),
  )

  it.effect("does not silence another neighbour when the traffic is of its own second key", () =>
    Effect.gen(function* () {
      const { connect, engine } = yield* setUp()
      const [flooder, honest, reader] = [connect(), connect(), connect()]
      let slow = connect({ takesAll: false })
      for (const peer of [flooder, honest, reader, slow]) yield* join(peer)
      let heard = 0
      for (let second = 0; second < 120; second++) {
        for (let i = 0; i < 20; i++) flooder.send(payloadOf(freshContent()))
        if (second % 29 === 28) slow.takeOne()
        if (slow.isClosed()) {
          slow = connect({ takesAll: false })
          yield* join(slow)
        }
        const payload = payloadOf(freshContent())
        honest.send(payload)
        yield* passMs(1_000)
        if (payloadsOf(reader).some(({ id }) => id === payload.id)) heard++
      }
      assert.isAtLeast(heard, 0.95 * 120, "within a second")
      assert.isAtLeast(engine.stats().stalls, 1)
    }),
  )
})

describe("a neighbour that grafts more than its queue takes, and reads nothing", () => {
  it.effect("holds no other neighbour back, also when it returns under new keys", () =>
    Effect.gen(function* () {
      const { connect, engine, topic } = yield* setUp()
      const [author, reader] = [connect(), connect()]
      for (const peer of [author, reader]) yield* join(peer)
      let [sent, waiting] = [0, 0]
      let slow: RemotePeer | undefined
      for (let second = 0; second < 60; second++) {
        if (slow === undefined || slow.isClosed()) {
          slow = connect({ takesAll: false })
          yield* join(slow)
          const payloads = Array.from({ length: 80 }, () => payloadOf(freshContent(4_000)))
          slow.send(...payloads)
          slow.send(...payloads.map(({ id }): Protocol.Graft => ({ _tag: "Graft", id, round: 0 })))
        }
        for (let i = 0; i < 20; i++, sent++) author.send(payloadOf(freshContent()))
        waiting += yield* waitingTimes(topic)
      }
      assert.isAtLeast(payloadsOf(reader).length, 0.95 * sent)
      assert.strictEqual(waiting, 0)
      // Each key lasts the stall time and is closed then.
      assert.isAtLeast(engine.stats().stalls, 8)
    }),
  )
})

describe("a neighbour that pauses and reads on", () => {
  it.effect("gets the ids of what it missed, and by grafting them every message", () =>
    Effect.gen(function* () {
      const { connect, engine } = yield* setUp()
      const [author, reader, pausing] = [connect(), connect(), connect()]
      for (const peer of [author, reader, pausing]) yield* join(peer)
      pausing.setTakesAll(false)
      const sent: Array<string> = []
      for (let i = 0; i < 2_000; i++) {
        const payload = payloadOf(freshContent())
        sent.push(payload.id)
        author.send(payload)
        // 1 MB/s for 2 s: four times as much as the queue takes.
        if (i % 50 === 49) yield* passMs(50)
      }
      assert.strictEqual(payloadsOf(reader).length, sent.length)
      assert.isAtLeast(engine.stats().withheld, 1_000)
      pausing.setTakesAll(true)
      const grafted = new Set<string>()
      let longest = 0
      for (let i = 0; i < 100; i++) {
        const has = new Set<string>(payloadsOf(pausing).map(({ id }) => id))
        const announced = pausing.taken.flatMap((message) => (message._tag === "IHave" ? message.messages : []))
        const missing = announced.filter(({ id }) => !has.has(id) && !grafted.has(id))
        longest = Math.max(longest, missing.length)
        for (const { id } of missing) grafted.add(id)
        pausing.send(...missing.map(({ id, round }): Protocol.Graft => ({ _tag: "Graft", id, round })))
        yield* passMs(80)
      }
      const got = payloadsOf(pausing).map(({ id }) => id)
      assert.deepStrictEqual(new Set<string>(got), new Set(sent))
      assert.strictEqual(got.length, sent.length, "and none twice")
      assert.isAtMost(longest, 260, "about half of the queue's limit at a time")
      const { stalls } = engine.stats()
      assert.strictEqual(stalls, 0)
    }),
  )

  it.effect("holds a fast sender back for a moment, so that neighbours of about the same speed lose nothing", () =>
    Effect.gen(function* () {
      const { connect, engine, topic } = yield* setUp()
      const [one, other] = [connect(), connect({ takesAll: false })]
      for (const peer of [one, other]) yield* join(peer)
      // As the service does: broadcast while the topic is not congested.
      const sent: Array<string> = []
      for (let i = 0; i < 400; i++) {
        for (let n = 0; n < 100 && !topic.isCongested; n++) {
          const content = freshContent(4_000)
          sent.push(idOfPayload(content))
          engine.dispatch({ _tag: "Broadcast", topic: topic.id.hex, content, scope: "swarm" })
        }
        // 12 KB each 10 ms: 1.2 MB/s.
        other.takeOne()
        yield* passMs(10)
      }
      other.setTakesAll(true)
      yield* passMs(100)
      assert.isAbove(sent.length, 1_000)
      assert.strictEqual(engine.stats().withheld, 0)
      assert.deepStrictEqual(
        payloadsOf(other).map(({ id }) => id as string),
        sent,
      )
    }),
  )
})

describe("a topic all of whose neighbours are slow", () => {
  it.effect("waits with broadcasts, gives each more time, and does not refuse them afterwards", () =>
    Effect.gen(function* () {
      const { connect, engine, topic } = yield* setUp()
      const only = connect({ takesAll: false })
      yield* join(only)
      for (let i = 0; i < 300; i++) {
        engine.dispatch({ _tag: "Broadcast", topic: topic.id.hex, content: freshContent(), scope: "swarm" })
      }
      yield* passMs(29_000, 1_000)
      assert.isTrue(topic.isCongested)
      assert.isFalse(only.isClosed())
      yield* passMs(3_000, 1_000)
      assert.isTrue(only.isClosed())
      assert.isFalse(topic.isCongested)
      assert.isFalse(connect({ id: only.id }).isClosed())
    }),
  )
})
