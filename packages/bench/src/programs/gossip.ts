/**
 * Gossip between two nodes on loopback beside the bare binding between two endpoints: SECONDS [ECHO], where ECHO is what
 * gossipEcho printed when the far end is another process; without it both ends are in this one. At each size
 *
 * - `rates`: messages a second, samples of SECONDS each. Ours with 32 in flight; the binding with its messages in writes of 64 KB, as
 *   fast as it takes them, and (`windowed`) with frames as long as gossip's, 32 in flight, what is due in one write.
 * - `latencies` in ms of one message when nothing else is under way; between two processes half of there and back.
 */
import type * as Iroh from "@number0/iroh"
import { EndpointId } from "@topic-tracker/crypto"
import { Effect, Schema, Stream } from "effect"
import { batchOf, dial, drain, listen } from "./bareIroh.ts"
import { makeNode } from "./gossipNode.ts"
import { main, numberAt, print } from "./print.ts"

const sizes = [100, 1024, 4000]
const inFlight = 32
/** What a gossip frame has beside its content, in bytes: length, kind, message id, length of the content, hops and scope. */
const frameOverhead = 45
const seconds = numberAt(0)
const samples = 3
const pings = { warmUp: 200, measured: 500 }

const Echo = Schema.Struct({
  id: EndpointId.EndpointId,
  addresses: Schema.Array(Schema.String),
  bareId: Schema.String,
  bareAddress: Schema.String,
})
const far =
  process.argv[3] === undefined ? undefined : Schema.decodeUnknownSync(Schema.fromJsonString(Echo))(process.argv[3])

/** Samples of a rate: `sent` counts what was handed over, `send` hands over more. */
const ratesOf = async (count: () => number, send: () => Promise<void>): Promise<Array<number>> => {
  const sample = async (): Promise<number> => {
    const [before, start] = [count(), performance.now()]
    const end = start + seconds * 1000
    while (performance.now() < end) await send()
    return (count() - before) / ((performance.now() - start) / 1000)
  }
  await sample()
  const rates: Array<number> = []
  for (let i = 0; i < samples; i++) rates.push(await sample())
  return rates
}

const latenciesOf = async (ping: () => Promise<void>): Promise<Array<number>> => {
  const latencies: Array<number> = []
  for (let i = 0; i < pings.warmUp + pings.measured; i++) {
    const start = performance.now()
    await ping()
    const ms = performance.now() - start
    if (i >= pings.warmUp) latencies.push(far === undefined ? ms : ms / 2)
  }
  return latencies
}

const bare = async (size: number) => {
  const here = far === undefined ? await listen() : undefined
  const accepting = here?.accept()
  const near = await dial(here?.id ?? far!.bareId, here?.address ?? far!.bareAddress)
  const message = batchOf(size).bytes.slice(0, size)
  const both = await near.connection.openBi()
  await both.send.writeAll([0])
  const one = await near.connection.openUni()
  await one.writeAll([0])
  let [sent, arrived] = [0, 0]
  let onArrival = () => {}
  let latencies: Array<number>
  const accepted = await accepting
  if (accepted === undefined) {
    await both.recv.readExact(1)
    latencies = await latenciesOf(async () => {
      await both.send.writeAll(message)
      await both.recv.readExact(size)
    })
  } else {
    await accepted.acceptBi()
    const uni = await accepted.acceptUni()
    await uni.readExact(1)
    latencies = await latenciesOf(async () => {
      const arrival = uni.readExact(size)
      await one.writeAll(message)
      await arrival
    })
    void drain(uni, (bytes) => {
      arrived += bytes
      onArrival()
    }).catch(() => {})
  }
  const batch = batchOf(size)
  const rates = await ratesOf(
    () => arrived / size,
    async () => {
      sent += batch.bytes.length
      await one.writeAll(batch.bytes)
      // The far end does not tell what has arrived; but what it has not taken holds the next write back.
      if (far !== undefined) arrived += batch.bytes.length
    },
  )
  const frame = size + frameOverhead
  let way: Iroh.SendStream = one
  if (far !== undefined) {
    const answered = await near.connection.openBi()
    await answered.send.writeAll([frame >> 8, frame & 255])
    void drain(answered.recv, (answers) => {
      arrived += answers * frame
      onArrival()
    }).catch(() => {})
    way = answered.send
  }
  const frames = Array.from({ length: inFlight * frame }, (_, i) => i & 255)
  const due = () => Math.floor((inFlight * frame - (sent - arrived)) / frame)
  const windowed = () =>
    ratesOf(
      () => arrived / frame,
      async () => {
        while (due() <= 0) {
          await new Promise<void>((resolve) => {
            onArrival = resolve
          })
        }
        const bytes = due() * frame
        sent += bytes
        await way.writeAll(frames.slice(0, bytes))
      },
    )
  const figures = { rates, latencies, windowed: await windowed() }
  await Promise.all([near.close(), here?.close()])
  return figures
}

const ours = Effect.fnUntraced(function* (size: number) {
  const receiver = far === undefined ? yield* makeNode() : undefined
  const sender = yield* makeNode(receiver ?? far)
  let arrived = 0
  let underWay = 0
  let onArrival = () => {}
  // In one process the receiver's events are counted, between two the answers' numbers.
  const events = yield* (receiver ?? sender).topic.subscribe({ capacity: 4_096, whenSlow: "hold-back" })
  yield* events.pipe(
    Stream.runForEachArray((batch) =>
      Effect.sync(() => {
        for (const event of batch) {
          if (event._tag !== "Received") continue
          const { content } = event
          const count = receiver === undefined ? new DataView(content.buffer, content.byteOffset).getUint32(0) : 1
          arrived += count
          underWay -= count
        }
        onArrival()
      }),
    ),
    Effect.forkScoped,
  )
  const content = new Uint8Array(size)
  const view = new DataView(content.buffer)
  let serial = 0
  const broadcast = Effect.suspend(() => {
    view.setUint32(0, serial++)
    underWay++
    return sender.topic.broadcast(content)
  })
  /** Resolves once fewer than `most` messages are under way. */
  const until = (most: number) =>
    new Promise<void>((resolve) => {
      const check = () => {
        if (underWay >= most) return
        onArrival = () => {}
        resolve()
      }
      onArrival = check
      check()
    })
  const latencies = yield* Effect.promise(() =>
    latenciesOf(async () => {
      const arrival = Effect.runPromise(broadcast)
      await until(1)
      await arrival
    }),
  )
  const fill = Effect.gen(function* () {
    while (underWay < inFlight) yield* broadcast
  })
  const before = yield* sender.stats
  const rates = yield* Effect.promise(() =>
    ratesOf(
      () => arrived,
      async () => {
        await Effect.runPromise(fill)
        await until(inFlight)
      },
    ),
  )
  const after = yield* sender.stats
  return { rates, latencies, perWrite: (after.messagesOut - before.messagesOut) / (after.writes - before.writes) }
}, Effect.scoped)

await main(
  Effect.gen(function* () {
    const figures: Array<unknown> = []
    for (const size of sizes) {
      figures.push({ size, bare: yield* Effect.promise(() => bare(size)), ours: yield* ours(size) })
    }
    print(figures)
  }),
)
