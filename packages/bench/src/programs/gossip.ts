/**
 * Gossip between two nodes on loopback beside the bare binding between two endpoints: SECONDS [ECHO], where ECHO is what
 * gossipEcho printed when the far end is another process; without it both ends are in this one. At each size, ours and the binding turn
 * by turn:
 *
 * - `rates`: messages a second, samples of SECONDS each. Ours with 32 in flight; the binding with its messages in writes of 64 KB, as
 *   fast as it takes them, and (`windowed`) with frames as long as gossip's, 32 in flight, what is due in one write.
 * - `latencies` in ms of one message when nothing else is under way; between two processes half of there and back.
 */
import { setTimeout } from "node:timers/promises"
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
const samples = 5
/** Blocks to warm up with are many: after hundreds of messages a process still runs code that has not been compiled yet. */
const pings = { perBlock: 50, warmUp: 40, blocks: 20 }
const settleMs = 100

const Echo = Schema.Struct({
  id: EndpointId.EndpointId,
  addresses: Schema.Array(Schema.String),
  bareId: Schema.String,
  bareAddress: Schema.String,
})
const far =
  process.argv[3] === undefined ? undefined : Schema.decodeUnknownSync(Schema.fromJsonString(Echo))(process.argv[3])

/** One way to carry messages, as it is measured. */
interface Way {
  /** Sends one message and waits until it has arrived; between two processes, until an answer has. */
  readonly ping: () => Promise<void>
  readonly rates: ReadonlyArray<Rate>
}

/** What is sent as fast as it is taken. */
interface Rate {
  readonly count: () => number
  /** Hands over more. */
  readonly send: () => Promise<void>
}

const sampleOf = async ({ count, send }: Rate): Promise<number> => {
  const [before, start] = [count(), performance.now()]
  const end = start + seconds * 1000
  while (performance.now() < end) await send()
  return (count() - before) / ((performance.now() - start) / 1000)
}

/** Samples of each, turn by turn: what else the machine does touches all of them. */
const ratesOf = async (rates: ReadonlyArray<Rate>): Promise<Array<Array<number>>> => {
  const figures = rates.map((): Array<number> => [])
  for (let round = -1; round < samples; round++) {
    for (const [index, rate] of rates.entries()) {
      const sample = await sampleOf(rate)
      if (round >= 0) figures[index]!.push(sample)
      // What is still under way is not to be the next one's burden.
      await setTimeout(settleMs)
    }
  }
  return figures
}

const latenciesOf = async (ways: ReadonlyArray<Way>): Promise<Array<Array<number>>> => {
  const figures = ways.map((): Array<number> => [])
  for (let block = -pings.warmUp; block < pings.blocks; block++) {
    for (const [index, { ping }] of ways.entries()) {
      for (let i = 0; i < pings.perBlock; i++) {
        const start = performance.now()
        await ping()
        const ms = performance.now() - start
        if (block >= 0) figures[index]!.push(far === undefined ? ms : ms / 2)
      }
    }
  }
  return figures
}

const bare = async (size: number): Promise<Way & { readonly close: () => Promise<unknown> }> => {
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
  const took = (bytes: number) => {
    arrived += bytes
    onArrival()
  }
  const accepted = await accepting
  let ping: Way["ping"]
  if (accepted === undefined) {
    await both.recv.readExact(1)
    ping = async () => {
      await both.send.writeAll(message)
      await both.recv.readExact(size)
    }
  } else {
    const { recv } = await accepted.acceptBi()
    await recv.readExact(1)
    const uni = await accepted.acceptUni()
    await uni.readExact(1)
    ping = async () => {
      const arrival = recv.readExact(size)
      await both.send.writeAll(message)
      await arrival
    }
    void drain(uni, took).catch(() => {})
  }
  const batch = batchOf(size)
  const batches: Rate = {
    count: () => arrived / size,
    send: async () => {
      sent += batch.bytes.length
      await one.writeAll(batch.bytes)
      // The far end does not tell what has arrived; but what it has not taken holds the next write back.
      if (far !== undefined) arrived += batch.bytes.length
    },
  }
  const frame = size + frameOverhead
  let way: Iroh.SendStream = one
  if (far !== undefined) {
    const answered = await near.connection.openBi()
    await answered.send.writeAll([frame >> 8, frame & 255])
    void drain(answered.recv, (answers) => took(answers * frame)).catch(() => {})
    way = answered.send
  }
  const frames = Array.from({ length: inFlight * frame }, (_, i) => i & 255)
  const due = () => Math.floor((inFlight * frame - (sent - arrived)) / frame)
  const windowed: Rate = {
    count: () => arrived / frame,
    send: async () => {
      while (due() <= 0) {
        await new Promise<void>((resolve) => {
          onArrival = resolve
        })
      }
      const bytes = due() * frame
      sent += bytes
      await way.writeAll(frames.slice(0, bytes))
    },
  }
  return { ping, rates: [batches, windowed], close: () => Promise.all([near.close(), here?.close()]) }
}

const ours = Effect.fnUntraced(function* (size: number) {
  const receiver = far === undefined ? yield* makeNode() : undefined
  const sender = yield* makeNode(receiver ?? far)
  let arrived = 0
  let underWay = 0
  let onArrival = () => {}
  // In one process the receiver's events are counted, between two the answers' numbers.
  const events = yield* (receiver ?? sender).topic.subscribe({ capacity: 4_096, whenSlow: "backpressure" })
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
  const fill = Effect.gen(function* () {
    while (underWay < inFlight) yield* broadcast
  })
  const rate: Rate = {
    count: () => arrived,
    send: async () => {
      await Effect.runPromise(fill)
      await until(inFlight)
    },
  }
  const way: Way = {
    ping: async () => {
      const arrival = Effect.runPromise(broadcast)
      await until(1)
      await arrival
    },
    rates: [rate],
  }
  return { way, stats: sender.stats }
})

const measure = Effect.fnUntraced(function* (size: number) {
  const binding = yield* Effect.acquireRelease(
    Effect.promise(() => bare(size)),
    ({ close }) => Effect.promise(close),
  )
  const { stats, way } = yield* ours(size)
  const [bareLatencies, latencies] = yield* Effect.promise(() => latenciesOf([binding, way]))
  const before = yield* stats
  const [batches, windowed, rates] = yield* Effect.promise(() => ratesOf([...binding.rates, ...way.rates]))
  const after = yield* stats
  const perWrite = (after.messagesOut - before.messagesOut) / (after.writes - before.writes)
  return {
    size,
    bare: { rates: batches, latencies: bareLatencies, windowed },
    ours: { rates, latencies, perWrite },
  }
}, Effect.scoped)

await main(
  Effect.gen(function* () {
    const figures: Array<unknown> = []
    for (const size of sizes) figures.push(yield* measure(size))
    print(figures)
  }),
)
