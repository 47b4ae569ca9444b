/**
 * Arguments: SECONDS PAIRS. Measures peer streams between two nodes on loopback, both in this process, and alternately iroh's binding alone
 * between two endpoints. Prints, each for ours and for the binding (`bare`):
 *
 * - `calls`: ms of a unary call of some 80 B, and of as many bytes there and back on one stream of the binding.
 * - `bulk`: MB/s of a transfer of some MB on one stream with writes of 64 KB, PAIRS of both ways in turn.
 * - `streams`: ms until 1,000 streams are open and have echoed 16 bytes, all at once.
 * - `beside` (ours only): ms of calls, first alone and then beside a bulk transfer between the same nodes, and MB/s of that transfer alone and
 *   beside the calls.
 * - `dials` (ours only): ms to open a stream by key alone to a peer without a connection, whose address is known.
 */
import { PeerRpc, Peers } from "@topic-tracker/peers"
import { Effect, Layer, Schema } from "effect"
import { Rpc, RpcClient, RpcGroup, RpcSerialization, RpcServer } from "effect/rpc"
import { sampleLatencies } from "./gossip/sampling.ts"
import { makeBareStreams } from "./peers/bareStreams.ts"
import { makeBareBulk, openBulk, pairOfRates, serveBulk } from "./peers/bulkWays.ts"
import { makePeerNode } from "./peers/peerNode.ts"
import { main, numberAt, print } from "./print.ts"

const seconds = numberAt(0)
const pairs = numberAt(1)

/** Pairs of transfers before the first one that counts. */
const WARM_UP_PAIRS = 3

const STREAMS = 1_000
const STREAM_SAMPLES = 3
const DIALS = 20

class Echo extends RpcGroup.make(Rpc.make("Echo", { payload: { text: Schema.String }, success: Schema.String })) {}

const ROOM = {
  maxStreams: 2 * STREAMS,
  maxStreamsPerPeer: 2 * STREAMS,
  openingsPerSecond: 100_000,
  openingBurst: 100_000,
}

const echoBytes = Effect.fnUntraced(function* (peers: Peers["Service"]) {
  yield* peers.serve({ protocol: "echo" }, ({ socket }) =>
    Effect.gen(function* () {
      const writer = yield* socket.writer
      const { pull } = yield* socket.reader
      for (;;) for (const chunk of yield* pull) yield* writer.write(chunk)
    }).pipe(Effect.scoped),
  )
})

/** A client of {@link Echo}. */
const makeClient = Effect.fnUntraced(function* (client: Peers["Service"], server: Peers["Service"]) {
  const serving = RpcServer.layer(Echo, { disableTracing: true }).pipe(
    Layer.provide(Echo.toLayer({ Echo: ({ text }) => Effect.succeed(text) })),
    Layer.provide(PeerRpc.layerServerProtocol({ protocol: "rpc" })),
    Layer.provide(Layer.succeed(Peers, server)),
  )
  const calling = PeerRpc.layerClientProtocol(server.endpointId, { protocol: "rpc" }).pipe(
    Layer.provide(Layer.succeed(Peers, client)),
  )
  const context = yield* Layer.build(
    Layer.merge(serving, calling).pipe(Layer.provide(RpcSerialization.layerSchemaBinary())),
  )
  return yield* RpcClient.make(Echo, { disableTracing: true }).pipe(Effect.provideContext(context))
})

const measureCalls = Effect.gen(function* () {
  const rpc = yield* makeClient(yield* makePeerNode(), yield* makePeerNode())
  const bare = yield* bareStreams
  const stream = yield* Effect.promise(bare.openBi)
  const message = Array.from({ length: 80 }, (_, i) => i)
  const text = "x".repeat(40)
  const ways = [
    {
      rates: [],
      ping: async () => {
        await stream.send.writeAll(message)
        for (let left = message.length; left > 0; ) left -= (await stream.recv.read(left)).length
      },
    },
    { rates: [], ping: async () => void (await Effect.runPromise(rpc.Echo({ text }))) },
  ]
  const [bareCalls, ours] = yield* Effect.promise(() => sampleLatencies(ways, 1))
  return { bare: bareCalls!, ours: ours! }
}).pipe(Effect.scoped)

const bareStreams = Effect.acquireRelease(Effect.promise(makeBareStreams), ({ close }) => Effect.promise(close))

const measureBulk = Effect.gen(function* () {
  const [from, to] = [yield* makePeerNode(), yield* makePeerNode()]
  yield* serveBulk(to)
  const ours = yield* openBulk(from, to.endpointId)
  const bare = yield* Effect.acquireRelease(Effect.promise(makeBareBulk), ({ close }) => Effect.promise(close))
  return yield* Effect.promise(async () => {
    const ways = { bare: bare.transfer, ours: ours.transfer }
    const rates: Array<Awaited<ReturnType<typeof pairOfRates>>> = []
    for (let pair = 0; pair < WARM_UP_PAIRS + pairs; pair++) rates.push(await pairOfRates(ways, pair))
    return rates.slice(WARM_UP_PAIRS)
  })
}).pipe(Effect.scoped)

const BESIDE_CALLS = 1_000

const measureBeside = Effect.gen(function* () {
  const [from, to] = [yield* makePeerNode(), yield* makePeerNode()]
  const rpc = yield* makeClient(from, to)
  yield* serveBulk(to)
  const bulk = yield* openBulk(from, to.endpointId)
  yield* bulk.drain
  const calls = (count: number) =>
    Effect.promise(async () => {
      const samples: Array<number> = []
      for (let i = 0; i < count; i++) {
        const start = performance.now()
        await Effect.runPromise(rpc.Echo({ text: "hello" }))
        samples.push(performance.now() - start)
      }
      return samples
    })
  yield* calls(BESIDE_CALLS)
  const alone = yield* calls(BESIDE_CALLS)
  const rateOf = Effect.fnUntraced(function* (work: Effect.Effect<unknown>) {
    const [before, start] = [bulk.sent(), performance.now()]
    yield* work
    return (bulk.sent() - before) / (performance.now() - start) / 1e3
  })
  yield* Effect.forkScoped(Effect.forever(Effect.promise(bulk.send)))
  yield* Effect.sleep("1 second")
  const bulkAlone = yield* rateOf(Effect.sleep(seconds * 1000))
  let beside: ReadonlyArray<number> = []
  const bulkBeside = yield* rateOf(
    Effect.map(calls(BESIDE_CALLS), (samples) => {
      beside = samples
    }),
  )
  return { alone, beside, bulkAlone, bulkBeside }
}).pipe(Effect.scoped)

const measureStreams = Effect.gen(function* () {
  const [from, to] = [yield* makePeerNode(ROOM), yield* makePeerNode(ROOM)]
  yield* echoBytes(to)
  const bare = yield* bareStreams
  const all = Array.from({ length: STREAMS }, (_, i) => i)
  const message = new Uint8Array(16)
  const ours: Array<number> = []
  const bareMs: Array<number> = []
  for (let sample = 0; sample < STREAM_SAMPLES; sample++) {
    const bareStart = performance.now()
    yield* Effect.promise(async () => {
      const streams = await Promise.all(all.map(() => bare.openBi()))
      await Promise.all(streams.map(({ send }) => send.writeAll([...message])))
      await Promise.all(streams.map(({ recv }) => recv.read(message.length)))
      bareMs.push(performance.now() - bareStart)
      await Promise.all(streams.map(({ send }) => send.finish()))
      await Promise.all(streams.map(({ recv }) => recv.read(1)))
    })
    const start = performance.now()
    yield* Effect.scoped(
      Effect.gen(function* () {
        yield* Effect.forEach(
          all,
          () =>
            Effect.gen(function* () {
              const socket = yield* from.connect(to.endpointId, { protocol: "echo", timeout: "30 seconds" })
              const writer = yield* socket.writer
              const { pull } = yield* socket.reader
              yield* writer.write(message)
              yield* pull
            }),
          { concurrency: "unbounded", discard: true },
        )
        ours.push(performance.now() - start)
      }),
    )
    yield* Effect.sleep(200)
  }
  return { bare: bareMs, ours }
}).pipe(Effect.scoped)

const measureDials = Effect.gen(function* () {
  const [from, to] = [yield* makePeerNode({ linger: 1 }), yield* makePeerNode()]
  yield* to.serve({ protocol: "nothing" }, () => Effect.void)
  const dials: Array<number> = []
  for (let i = -2; i < DIALS; i++) {
    const start = performance.now()
    yield* Effect.scoped(from.connect(to.endpointId, { protocol: "nothing" }))
    const ms = performance.now() - start
    if (i >= 0) dials.push(ms)
    do yield* Effect.sleep(20)
    while ((yield* from.stats).connections > 0)
  }
  return dials
}).pipe(Effect.scoped)

await main(
  Effect.map(
    Effect.all({
      calls: measureCalls,
      bulk: measureBulk,
      beside: measureBeside,
      streams: measureStreams,
      dials: measureDials,
    }),
    print,
  ),
)
