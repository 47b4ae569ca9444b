import { assert, describe, it } from "@effect/vitest"
import { Crypto } from "@topic-tracker/crypto"
import { DhtTestnet } from "@topic-tracker/dht/testing"
import { Duration, Effect, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { QueryEvent } from "../src/krpc/KrpcSocket.ts"
import { ascii, client, newKey, values } from "./clients.ts"
import { simulatedSockets, timed } from "./simulatedSockets.ts"
import { boundSocket } from "./sockets.ts"

const silent = { host: "127.0.0.1", port: 9 }
const times = { roundTripFloor: 25, roundTripInitial: 500, roundTripCeiling: 2000 }

describe("a client on a simulated network, under TestClock", () => {
  it.effect("times out a query when the clock has moved, first as slow, then as lost", () =>
    Effect.gen(function* () {
      const socket = yield* boundSocket(times)
      const events: Array<QueryEvent["_tag"]> = []
      socket.query(silent, "ping", { id: new Uint8Array(20) }, ({ _tag }) => events.push(_tag))
      yield* TestClock.adjust(499)
      assert.deepStrictEqual(events, [])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(events, ["slow"])
      yield* TestClock.adjust(1499)
      assert.deepStrictEqual(events, ["slow"])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(events, ["slow", "lost"])
      assert.isTrue(socket.isUnresponsive(silent))
      yield* TestClock.adjust("1 minute")
      assert.isFalse(socket.isUnresponsive(silent))
    }).pipe(Effect.provide(simulatedSockets(10))),
  )

  it.effect("times out a query sooner when the answers of others have shortened the time-out", () =>
    Effect.gen(function* () {
      const other = yield* boundSocket({
        ...times,
        onQuery: ({ t }, from) => other.reply(from, t, { id: new Uint8Array(20) }),
      })
      const socket = yield* boundSocket(times)
      const events: Array<string> = []
      socket.query(silent, "ping", { id: new Uint8Array(20) }, ({ _tag }) => events.push(`silent ${_tag}`))
      socket.query(other.address, "ping", { id: new Uint8Array(20) }, ({ _tag }) => events.push(`other ${_tag}`))
      yield* TestClock.adjust(20)
      assert.deepStrictEqual(events, ["other reply"])
      // The first round trip of 20 ms makes the time-out of unknown nodes 20 + 4 · 10 ms.
      yield* TestClock.adjust(39)
      assert.deepStrictEqual(events, ["other reply"])
      yield* TestClock.adjust(6)
      assert.deepStrictEqual(events, ["other reply", "silent slow"])
    }).pipe(Effect.provide(simulatedSockets(10))),
  )

  it.effect("says that a query is late before it is slow, and not if the answer comes first", () =>
    Effect.gen(function* () {
      const other = yield* boundSocket({
        ...times,
        onQuery: ({ t }, from) => other.reply(from, t, { id: new Uint8Array(20) }),
      })
      const socket = yield* boundSocket(times)
      const events: Array<string> = []
      const ask = (name: string, to: typeof silent) =>
        socket.query(
          to,
          "ping",
          { id: new Uint8Array(20) },
          ({ _tag }) => events.push(`${name} ${_tag}`),
          () => events.push(`${name} late`),
        )
      ask("other", other.address)
      ask("silent", silent)
      // The round trip of 20 ms makes an answer late after 30 ms, and slow after 60.
      yield* TestClock.adjust(29)
      assert.deepStrictEqual(events, ["other reply"])
      yield* TestClock.adjust(6)
      assert.deepStrictEqual(events, ["other reply", "silent late"])
      yield* TestClock.adjust(24)
      assert.deepStrictEqual(events, ["other reply", "silent late"])
      yield* TestClock.adjust(2000)
      assert.deepStrictEqual(events, ["other reply", "silent late", "silent slow", "silent lost"])
    }).pipe(Effect.provide(simulatedSockets(10))),
  )

  it.effect("a get takes as many round trips as it needs, and fails after its time limit", () =>
    Effect.gen(function* () {
      const net = yield* DhtTestnet.make({ nodes: 10 })
      const { key, salt, at } = yield* newKey
      const writer = yield* client({ bootstrap: net.addresses })
      const put = yield* timed(writer.put({ key, salt, seq: 1n, value: ascii("x") }))
      assert.deepStrictEqual(put.value, { stored: 10, asked: 10 })
      // At least one round trip of 100 ms for the lookup and one for the put.
      assert.isAtLeast(put.ms, 200)
      assert.isAtMost(put.ms, 600)
      const again = yield* timed(values(writer.get(at, { nodes: 3 })))
      assert.deepStrictEqual(again, { value: ["x"], ms: 100 })
      const lonely = yield* client({
        bootstrap: [silent],
        getTimeout: Duration.seconds(3),
        roundTripCeiling: Duration.minutes(1),
        roundTripFloor: Duration.minutes(1),
      })
      const failed = yield* timed(Effect.flip(Stream.runDrain(lonely.get(at))))
      assert.strictEqual(failed.value.reason, "Timeout")
      assert.strictEqual(failed.ms, 3000)
    }).pipe(Effect.provide(simulatedSockets(50)), Effect.provide(Crypto.layer())),
  )
})
