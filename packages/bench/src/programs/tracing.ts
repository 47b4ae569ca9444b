/**
 * Measures what a tracer costs a topic that sends as fast as it can: two nodes in one process send 100-byte messages in turns with and
 * without a tracer. Prints the messages per second of wall time and per second of processor time, of each way, and their ratios.
 */
import { TopicTracker } from "@topic-tracker/core"
import { Crypto } from "@topic-tracker/crypto"
import { DhtTestnet } from "@topic-tracker/dht/testing"
import { Context, Effect, Layer, Stream, Tracer } from "effect"
import { median } from "../harness/figures.ts"
import { main, print } from "./print.ts"

const MESSAGES = 2_000
const PAIRS = 100

const tracer = Tracer.make({ span: (options) => new Tracer.NativeSpan(options) })

await main(
  Effect.gen(function* () {
    const testnet = yield* DhtTestnet.make({ nodes: 8 }).pipe(Effect.provide(Crypto.layer()))
    const node = Effect.gen(function* () {
      const services = yield* Layer.build(
        TopicTracker.layer({
          config: { dht: { bootstrap: testnet.addresses.slice(0, 1) }, subscribers: { whenSlow: "backpressure" } },
        }),
      )
      return yield* Context.get(services, TopicTracker).join({ topic: "tracing", secret: "secret" })
    })
    const [from, to] = yield* Effect.all([node, node], { concurrency: 2 })
    let received = 0
    let resume: (() => void) | undefined
    yield* to.messages.pipe(
      Stream.runForEach(() =>
        Effect.sync(() => {
          if (++received >= MESSAGES) resume?.()
        }),
      ),
      Effect.forkScoped,
    )
    let count = 0
    const send = Effect.suspend(() => {
      const content = new Uint8Array(100)
      new DataView(content.buffer).setUint32(0, count++)
      return from.broadcast(content)
    })
    const batch = Effect.gen(function* () {
      received = 0
      const done = Effect.callback<void>((done) => {
        resume = () => done(Effect.void)
      })
      const start = performance.now()
      const cpu = process.cpuUsage()
      yield* Effect.all([done, Effect.repeat(send, { times: MESSAGES - 1 })], { concurrency: 2, discard: true })
      const { system, user } = process.cpuUsage(cpu)
      return { wall: (MESSAGES / (performance.now() - start)) * 1e3, cpu: (MESSAGES / (system + user)) * 1e6 }
    })
    const traced = batch.pipe(Effect.withTracer(tracer), Effect.withSpan("producer"))
    for (let i = 0; i < 4; i++) yield* i % 2 ? traced : batch
    const ratios: Array<{ wall: number; cpu: number }> = []
    const rates: Array<{ plain: number; traced: number }> = []
    for (let i = 0; i < PAIRS; i++) {
      const a = yield* i % 2 ? traced : batch
      const b = yield* i % 2 ? batch : traced
      const [plain, withTracer] = i % 2 ? [b, a] : [a, b]
      ratios.push({ wall: withTracer.wall / plain.wall, cpu: withTracer.cpu / plain.cpu })
      rates.push({ plain: plain.wall, traced: withTracer.wall })
    }
    print({
      plain: median(rates.map(({ plain }) => plain)),
      traced: median(rates.map(({ traced }) => traced)),
      wallRatio: median(ratios.map(({ wall }) => wall)),
      cpuRatio: median(ratios.map(({ cpu }) => cpu)),
      pairs: PAIRS,
    })
  }).pipe(Effect.scoped),
)
