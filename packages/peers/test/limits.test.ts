/** What is too large, and bytes that mean nothing; in memory, under TestClock. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Schedule, Schema } from "effect"
import { Rpc, RpcClient, RpcGroup, RpcSerialization, RpcServer } from "effect/rpc"
import { TestClock } from "effect/testing"
import { PeerRpc, Peers, type PeersLimitsInput } from "../src/index.ts"
import { decodeOpening, FrameReader } from "../src/streams/wire.ts"
import { admitAll, inTime, makeMemoryWorld, until } from "./world.ts"

class Say extends RpcGroup.make(Rpc.make("Say", { payload: { text: Schema.String }, success: Schema.Number })) {}

describe("a request", () => {
  // Effect's own: closes a socket when the serialization buffer limit is exceeded.
  it.effect(
    "over the server's buffer closes the stream with 1009: TooLarge at the caller, and the next call works",
    () =>
      Effect.gen(function* () {
        const world = yield* makeMemoryWorld({ link: () => ({ delayMs: 5 }) })
        const a = yield* world.node({ allow: admitAll })
        const b = yield* world.node({ allow: admitAll })
        yield* Layer.build(
          RpcServer.layer(Say).pipe(
            Layer.provide(Say.toLayer({ Say: ({ text }) => Effect.succeed(text.length) })),
            Layer.provide(PeerRpc.layerServerProtocol({ protocol: "rpc" })),
            Layer.provide(RpcSerialization.layerNdjsonWith({ maxBufferSize: 10_000 })),
            Layer.provide(Layer.succeed(Peers, b)),
          ),
        )
        const context = yield* Layer.build(
          PeerRpc.layerClientProtocol(b.endpointId, { protocol: "rpc" }).pipe(
            Layer.provide(RpcSerialization.layerNdjson),
            Layer.provide(Layer.succeed(Peers, a)),
          ),
        )
        const client = yield* RpcClient.make(Say).pipe(Effect.provideContext(context))
        const say = (length: number) =>
          inTime(world, "it is answered", PeerRpc.typedErrors(client.Say({ text: "x".repeat(length) })))
        assert.strictEqual(yield* say(5_000), 5_000)
        assert.deepInclude(yield* Effect.flip(say(50_000)), { _tag: "PeerError", reason: "TooLarge" })
        // The client opens a new stream half a second later.
        const again = Effect.retry(client.Say({ text: "x" }), { schedule: Schedule.spaced(100) })
        assert.strictEqual(yield* inTime(world, "it works again", again), 1)
      }),
  )
})

describe("bytes that mean nothing", () => {
  it("are refused or wait for more, and never throw", () => {
    let state = 12_345
    const next = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      return (state >>> 8) % below
    }
    const none = { data: () => {}, credit: () => {}, finish: () => {}, close: () => {} }
    let right = 0
    for (let i = 0; i < 5_000; i++) {
      // First bytes that look right lead further in.
      const bytes = Uint8Array.from({ length: next(200) }, (_, at) => (at === 0 && i % 2 === 0 ? 0x10 : next(256)))
      decodeOpening(bytes)
      const reader = new FrameReader()
      const frames = Uint8Array.from({ length: next(200) }, () => (next(3) === 0 ? next(256) : next(4)))
      if (reader.push(frames.subarray(0, 50), none) && reader.push(frames.subarray(50), none)) right++
    }
    assert.isAbove(right, 100)
  })
})

describe("the rate of bytes", () => {
  /** The server counts what it reads. Returns the ms until it has read so many bytes of each of the clients. */
  const timeOf = Effect.fnUntraced(function* (limits: PeersLimitsInput, clients: number, bytes: number) {
    const world = yield* makeMemoryWorld({ link: () => ({ delayMs: 5 }) })
    const server = yield* world.node({ allow: admitAll, limits })
    const read = new Map<string, number>()
    yield* server.serve({ protocol: "sink" }, ({ peer, socket }) =>
      Effect.gen(function* () {
        const { pull } = yield* socket.reader
        for (;;) for (const chunk of yield* pull) read.set(peer, (read.get(peer) ?? 0) + chunk.length)
      }).pipe(Effect.scoped),
    )
    for (let i = 0; i < clients; i++) {
      const client = yield* world.node()
      const socket = yield* inTime(world, "it connects", client.connect(server.endpointId, { protocol: "sink" }))
      const { write } = yield* socket.writer
      yield* Effect.forkScoped(write(new Uint8Array(bytes)))
    }
    const start = yield* Clock.currentTimeMillis
    yield* until(world, "all is read", () => [...read.values()].every((count) => count === bytes) && read.size > 0)
    return (yield* Clock.currentTimeMillis) - start
  })

  it.effect("of one peer is kept: its writer waits", () =>
    Effect.gen(function* () {
      assert.isBelow(yield* timeOf({}, 1, 2_000_000), 500)
      // 200,000 at once, the rest at the rate.
      const ms = yield* timeOf({ bytesPerSecondPerPeer: 200_000 }, 1, 2_000_000)
      assert.isAtLeast(ms, 8_900)
      assert.isBelow(ms, 10_000)
    }),
  )

  it.effect("of all peers together is kept, beside that of each", () =>
    Effect.gen(function* () {
      const ms = yield* timeOf({ bytesPerSecondPerPeer: 200_000, bytesPerSecond: 300_000 }, 3, 1_000_000)
      assert.isAtLeast(ms, 8_900)
      assert.isBelow(ms, 10_500)
    }),
  )

  it.effect("counts the first window of each stream: a peer that opens too many is refused for a while", () =>
    Effect.gen(function* () {
      const world = yield* makeMemoryWorld({ link: () => ({ delayMs: 5 }) })
      const server = yield* world.node({ allow: admitAll, limits: { bytesPerSecondPerPeer: 65_536 } })
      yield* server.serve({ protocol: "p" }, () => Effect.never)
      const client = yield* world.node()
      const connect = client.connect(server.endpointId, { protocol: "p" })
      // One at once, one that is a second behind, one more that is two seconds behind.
      for (let i = 0; i < 3; i++) yield* inTime(world, "it connects", connect)
      const { reason } = yield* inTime(world, "it is refused", Effect.flip(connect))
      assert.strictEqual(reason, "TooManyStreams")
      yield* TestClock.adjust("2 seconds")
      yield* inTime(world, "it connects again", connect)
    }),
  )
})
