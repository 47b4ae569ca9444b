/** A bulk transfer gives way to gossip and to small messages; in memory, under TestClock. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { SlicePolicy } from "../src/streams/SlicePolicy.ts"
import { admitAll, inTime, makeMemoryWorld, type TestPeers } from "./world.ts"

describe("the size of a slice", () => {
  it("is small while gossip had messages in the last 100 ms, or a stream a short write", () => {
    let now = 1_000
    let messages = 7
    const policy = new SlicePolicy(
      () => now,
      () => messages,
    )
    assert.strictEqual(policy.bytes(), 65_536)
    messages++
    now += 10
    assert.strictEqual(policy.bytes(), 4_096)
    now += 99
    assert.strictEqual(policy.bytes(), 4_096)
    now += 1
    assert.strictEqual(policy.bytes(), 65_536)
    policy.sent(60_000)
    assert.strictEqual(policy.bytes(), 65_536)
    policy.sent(80)
    assert.strictEqual(policy.bytes(), 4_096)
    now += 100
    assert.strictEqual(policy.bytes(), 65_536)
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
})
