/** What is too large, and bytes that mean nothing; in memory, under TestClock. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schedule, Schema } from "effect"
import { Rpc, RpcClient, RpcGroup, RpcSerialization, RpcServer } from "effect/rpc"
import { PeerRpc, Peers } from "../src/index.ts"
import { decodeOpening, FrameReader } from "../src/streams/wire.ts"
import { admitAll, inTime, makeMemoryWorld } from "./world.ts"

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
