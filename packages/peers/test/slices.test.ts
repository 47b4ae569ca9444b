/** A bulk transfer gives way to gossip and to small messages; in memory, under TestClock. */
import { assert, describe, it } from "@effect/vitest"
import { TopicId } from "@topic-tracker/crypto"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { SlicePolicy } from "../src/streams/SlicePolicy.ts"
import { admitAll, inTime, makeMemoryWorld, type TestPeers } from "./world.ts"

/** A policy on a clock and a counter of gossip that the test moves. */
const makePolicy = () => {
  const at = { now: 1_000, messages: 7 }
  const policy = new SlicePolicy(
    () => at.now,
    () => at.messages,
  )
  return { at, policy }
}

/** A transfer of slices that take 1 ms each, for so long. Returns the ms of its work and of each rest, whose timers are late by `lateMs`. */
const transfer = ({ at, policy }: ReturnType<typeof makePolicy>, ms: number, lateMs = 0) => {
  const end = at.now + ms
  const rests: Array<number> = []
  let workMs = 0
  while (at.now < end) {
    policy.bytes()
    at.now++
    workMs++
    policy.worked(4_101)
    const restMs = policy.restMs(4_096)
    if (restMs === 0) continue
    rests.push(restMs)
    at.now += restMs + lateMs
    assert.strictEqual(policy.restMs(4_096), 0)
  }
  return { workMs, rests }
}

describe("the size of a slice", () => {
  it("is small at the beginning, while gossip had messages in the last 100 ms, and after a short write of a stream", () => {
    const { at, policy } = makePolicy()
    const expect = (bytes: number) => {
      assert.strictEqual(policy.bytes(), bytes)
      policy.worked(bytes)
    }
    expect(4_096)
    at.now += 9
    expect(4_096)
    at.now += 1
    expect(65_536)
    at.messages++
    at.now += 1
    expect(4_096)
    at.now += 99
    expect(4_096)
    at.now += 1
    expect(65_536)
    policy.sent(60_000)
    expect(65_536)
    policy.sent(80)
    expect(4_096)
    at.now += 99
    expect(4_096)
    at.now += 1
    expect(65_536)
    at.now += 100
    expect(4_096)
  })

  it("is not the only thing that gives way: beside gossip bulk rests for a quarter of the time", () => {
    const test = makePolicy()
    assert.deepStrictEqual(transfer(test, 1_000).rests, [])
    const { at } = test
    let total = 0
    let restMs = 0
    for (let message = 0; message < 20; message++) {
      at.messages++
      const { rests, workMs } = transfer(test, 50)
      for (const each of rests) {
        assert.isAtLeast(each, 1)
        assert.isAtMost(each, 4)
        restMs += each
      }
      total += workMs + rests.reduce((sum, each) => sum + each, 0)
    }
    assert.closeTo(restMs / total, 0.25, 0.02)
    // The last message is still near; after it there are no rests.
    transfer(test, 100)
    assert.deepStrictEqual(transfer(test, 1_000).rests, [])
  })

  it("and its rests take no longer in all if their timers are late", () => {
    const test = makePolicy()
    const from = test.at.now
    let workMs = 0
    for (let message = 0; message < 40; message++) {
      test.at.messages++
      workMs += transfer(test, 50, 1).workMs
    }
    assert.closeTo(workMs / (test.at.now - from), 0.75, 0.03)
  })

  it("a short write never waits for a rest", () => {
    const test = makePolicy()
    const { at, policy } = test
    at.messages++
    for (let i = 0; i < 10 && policy.restMs(4_096) === 0; i++) {
      policy.bytes()
      at.now++
      policy.worked(4_101)
    }
    assert.isAbove(policy.restMs(1_025), 0)
    assert.strictEqual(policy.restMs(1_024), 0)
  })

  it.effect("is that of every write on the way between two peers", () =>
    Effect.gen(function* () {
      let largest = 0
      const world = yield* makeMemoryWorld({
        link: (_from, _to, _random, bytes) => {
          largest = Math.max(largest, bytes)
          return { delayMs: 5 }
        },
      })
      const a = yield* world.node({ allow: admitAll })
      const b = yield* world.node({ allow: admitAll })
      yield* b.serve({ protocol: "sink" }, ({ socket }) =>
        Effect.gen(function* () {
          const { pull } = yield* socket.reader
          for (;;) yield* pull
        }).pipe(Effect.scoped),
      )
      const connect = (from: TestPeers) =>
        Effect.flatMap(from.connect(b.endpointId, { protocol: "sink" }), (socket) => socket.writer)
      const bulk = yield* inTime(world, "it connects", connect(a))
      const small = yield* inTime(world, "it connects", connect(a))
      const send = inTime(world, "it is written", bulk.write(new Uint8Array(300_000)))
      yield* send
      assert.isAbove(largest, 32_000)
      yield* small.write("hello")
      largest = 0
      yield* inTime(world, "it is written", bulk.write(new Uint8Array(60_000)))
      assert.isAtMost(largest, 4_096 + 16)
    }),
  )

  it.effect("rests beside gossip when it sends and when it reads, and keeps at least half of its rate", () =>
    Effect.gen(function* () {
      // 4 KiB take 1 ms, and a write waits until it is read.
      const world = yield* makeMemoryWorld({
        streamWindowBytes: 1,
        link: (_from, _to, _random, bytes) => ({ delayMs: Math.round(bytes / 4_096) }),
      })
      const a = yield* world.node({ allow: admitAll })
      const b = yield* world.node({ allow: admitAll })
      let received = 0
      yield* b.serve({ protocol: "sink" }, ({ socket }) =>
        Effect.gen(function* () {
          const { pull } = yield* socket.reader
          for (;;) for (const chunk of yield* pull) received += chunk.length
        }).pipe(Effect.scoped),
      )
      const open = (node: TestPeers) => node.gossip.open(TopicId.fromName("said"))
      const [ours, theirs] = [yield* open(a), yield* open(b)]
      yield* inTime(world, "they are neighbours", theirs.join([a.endpointId]))
      const socket = yield* inTime(world, "it connects", a.connect(b.endpointId, { protocol: "sink" }))
      const { write } = yield* socket.writer
      yield* Effect.forkScoped(Effect.forever(write(new Uint8Array(60_000))))
      /** The bytes of 400 ms; `gossip`: with a message each 20 ms. */
      const transferred = (gossip: boolean) =>
        Effect.gen(function* () {
          const before = received
          for (let at = 0; at < 400; at += 20) {
            if (gossip) yield* ours.broadcast(new TextEncoder().encode(`message at ${at}`))
            yield* TestClock.adjust(20)
          }
          return received - before
        })
      yield* transferred(false)
      const alone = yield* transferred(false)
      const beside = (yield* transferred(true)) / alone
      assert.isAbove(beside, 0.5)
      assert.isBelow(beside, 0.85)
      yield* transferred(false)
      assert.closeTo((yield* transferred(false)) / alone, 1, 0.05)
    }),
  )

  it.effect("lets no stream live longer than its connection while it rests", () =>
    Effect.gen(function* () {
      const world = yield* makeMemoryWorld({
        streamWindowBytes: 1,
        link: (_from, _to, _random, bytes) => ({ delayMs: Math.round(bytes / 4_096) }),
      })
      const b = yield* world.node({ allow: admitAll })
      let isReading = false
      yield* b.serve({ protocol: "sink" }, ({ socket }) =>
        Effect.gen(function* () {
          isReading = true
          const { pull } = yield* socket.reader
          for (;;) yield* pull
        }).pipe(
          Effect.scoped,
          Effect.ensuring(
            Effect.sync(() => {
              isReading = false
            }),
          ),
        ),
      )
      const theirs = yield* b.gossip.open(TopicId.fromName("said"))
      // A slice takes 1 ms, and a rest up to 4: at some of these times the reader rests.
      for (let ms = 0; ms < 8; ms++) {
        const a = yield* world.node({ allow: admitAll })
        const ours = yield* a.gossip.open(TopicId.fromName("said"))
        yield* inTime(world, "they are neighbours", ours.join([b.endpointId]))
        const socket = yield* inTime(world, "it connects", a.connect(b.endpointId, { protocol: "sink" }))
        const { write } = yield* socket.writer
        const sending = yield* Effect.forkScoped(Effect.forever(write(new Uint8Array(60_000))))
        yield* TestClock.adjust(150)
        yield* theirs.broadcast(new TextEncoder().encode(`message ${ms}`))
        yield* TestClock.adjust(ms)
        yield* Effect.forkChild(a.close)
        assert.isTrue(isReading)
        for (let waited = 0; (yield* b.stats).connections > 0 || waited === 0; waited++) {
          assert.isBelow(waited, 2_000)
          yield* TestClock.adjust(1)
        }
        assert.isFalse(isReading, `closed after ${ms} ms`)
        yield* Fiber.interrupt(sending)
      }
    }),
  )
})
