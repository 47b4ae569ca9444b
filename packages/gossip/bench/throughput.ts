/**
 * What gossip carries between two nodes of one process, beside what the bare binding carries, in the same run: messages a
 * second, processor time a message, and how long one message takes when nothing else is under way.
 *
 *     node --conditions=@topic-tracker/source packages/gossip/bench/throughput.ts [SECONDS_PER_MEASUREMENT]
 *
 * - `bare 64K`: messages of that size packed into writes of 64 KB, as fast as the stream takes them: the ceiling.
 * - `bare 32`: frames as long as gossip's for that size (45 bytes more), 32 in flight, all that are due in one write.
 * - `ours 32`: broadcasts of that size, 32 in flight. `ours`: as many as `broadcast` lets through, which loses none.
 */
import * as Iroh from "@number0/iroh"
import { Crypto, Identity, TopicId } from "@topic-tracker/crypto"
import { AddressLookup, Gossip, type GossipService, type GossipTopic } from "@topic-tracker/gossip"
import { Context, Effect, Layer, Stream } from "effect"

const sizes = [100, 1_024, 4_000]
const inFlight = 32
const frameOverhead = 45
const seconds = Number(process.argv[2] ?? 2)

interface Figures {
  /** Messages a second. */
  readonly rate: number
  /** Processor time of all threads, in microseconds a message. */
  readonly cost: number
}

const quantile = (samples: ReadonlyArray<number>, q: number): number =>
  samples.toSorted((a, b) => a - b)[Math.min(samples.length - 1, Math.floor(q * samples.length))]!

/** Notes what has been received and used by now; the answer tells what has happened since. */
const measure = (received: () => number): (() => Figures) => {
  const [count, start, used] = [received(), performance.now(), process.cpuUsage()]
  return () => {
    const messages = received() - count
    const { user, system } = process.cpuUsage(used)
    return { rate: (messages * 1_000) / (performance.now() - start), cost: (user + system) / messages }
  }
}

/** A stream of the bare binding between two endpoints on loopback. */
const bareStream = async () => {
  const alpn = [...new TextEncoder().encode("/bare/1")]
  const endpoint = (): Promise<Iroh.Endpoint> => {
    const builder = Iroh.Endpoint.builder()
    Iroh.presetMinimal(builder)
    builder.alpns([alpn])
    builder.bindAddr("127.0.0.1:0")
    return builder.bind()
  }
  const [a, b] = [await endpoint(), await endpoint()]
  const accepted = (async () => (await (await b.acceptNext())!.accept()).connect())()
  const toB = await a.connect(new Iroh.EndpointAddr(b.id(), null, [b.boundSockets()[0]!]), alpn)
  const fromA = await accepted
  const send = await toB.openUni()
  await send.writeAll([0])
  const receive = await fromA.acceptUni()
  await receive.readExact(1)
  const close = async () => {
    toB.close(0n, [])
    fromA.close(0n, [])
    await a.close()
    await b.close()
  }
  return { send, receive, close }
}

const bare = async (size: number) => {
  const { close, receive, send } = await bareStream()
  const messages = (count: number, length: number) => Array.from({ length: count * length }, (_, i) => i & 255)

  const one = messages(1, size)
  const latencies: Array<number> = []
  for (let i = 0; i < 400; i++) {
    const start = performance.now()
    const read = receive.readExact(size)
    await send.writeAll(one)
    await read
    if (i >= 100) latencies.push(performance.now() - start)
  }

  let received = 0
  let onArrival = () => {}
  const reader = (async () => {
    for (;;) {
      const bytes = await receive.read(65_536)
      if (bytes.length === 0) return
      received += bytes.length
      onArrival()
    }
  })()
  const during = async (length: number, write: () => Promise<void>): Promise<Figures> => {
    for (const end = performance.now() + 300; performance.now() < end; ) await write()
    const figures = measure(() => received / length)
    for (const end = performance.now() + seconds * 1_000; performance.now() < end; ) await write()
    return figures()
  }
  const batch = messages(Math.floor(64_000 / size), size)
  const batched = await during(size, () => send.writeAll(batch))
  await send.writeAll([])
  while (received % size !== 0) await new Promise((resume) => setTimeout(resume, 1))

  const frame = size + frameOverhead
  let sent = received
  const windowed = await during(frame, async () => {
    const due = Math.floor((inFlight * frame - (sent - received)) / frame)
    if (due > 0) {
      sent += due * frame
      await send.writeAll(messages(due, frame))
    } else
      await new Promise<void>((resume) => {
        onArrival = resume
      })
  })
  await send.finish()
  await reader
  await close()
  return { batched, windowed, p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99) }
}

const node = (lookup: Layer.Layer<AddressLookup, never, Identity>) =>
  Layer.build(
    Gossip.layerIroh({ bind: "127.0.0.1:0" }).pipe(
      Layer.provide(lookup),
      Layer.provide(Identity.layerRandom),
      Layer.provide(Crypto.layer),
    ),
  ).pipe(Effect.map((context) => Context.get(context, Gossip)))

/** Lets `inFlight` messages through, and one more for each that arrives. */
const makeWindow = () => {
  let room = inFlight
  let waiting: (() => void) | undefined
  return {
    arrived: (count: number) => {
      room += count
      waiting?.()
    },
    take: Effect.suspend(() => {
      if (room-- > 0) return Effect.void
      return Effect.callback<void>((resume) => {
        waiting = () => {
          if (room < 0) return
          waiting = undefined
          resume(Effect.void)
        }
      })
    }),
  }
}

const ours = Effect.fnUntraced(function* (size: number) {
  const book = new Map()
  const lookup = AddressLookup.layerBook(book)
  const [a, b]: [GossipService, GossipService] = [yield* node(lookup), yield* node(lookup)]
  book.set(a.endpointId, yield* a.address)
  const id = TopicId.fromName("bench")
  const [sender, receiver]: [GossipTopic, GossipTopic] = [yield* a.open(id), yield* b.open(id)]
  let received = 0
  let onArrival: (count: number) => void = () => {}
  const events = yield* receiver.subscribe()
  yield* events.pipe(
    Stream.runForEachArray((chunk) =>
      Effect.sync(() => {
        let count = 0
        for (const event of chunk) if (event._tag === "Received") count++
        received += count
        onArrival(count)
      }),
    ),
    Effect.forkScoped,
  )
  yield* receiver.join([a.endpointId])
  while ((yield* sender.neighbors).size === 0) yield* Effect.sleep(5)

  const content = new Uint8Array(size)
  const view = new DataView(content.buffer)
  let serial = 0
  const next = () => {
    view.setUint32(0, serial++)
    return content
  }
  const latencies: Array<number> = []
  for (let i = 0; i < 400; i++) {
    const start = performance.now()
    yield* Effect.callback<void>((resume) => {
      onArrival = () => resume(Effect.void)
      Effect.runSync(sender.broadcast(next()))
    })
    if (i >= 100) latencies.push(performance.now() - start)
  }
  const during = (permission: Effect.Effect<void>) =>
    Effect.gen(function* () {
      const flood = (ms: number) =>
        Effect.gen(function* () {
          for (const end = performance.now() + ms; performance.now() < end; ) {
            yield* permission
            yield* sender.broadcast(next())
          }
        })
      yield* flood(300)
      const figures = measure(() => received)
      yield* flood(seconds * 1_000)
      return figures()
    })
  const window = makeWindow()
  onArrival = window.arrived
  const windowed = yield* during(window.take)
  const before = yield* a.stats
  const unlimited = yield* during(Effect.void)
  while (received < serial) yield* Effect.sleep(5)
  const after = yield* a.stats
  const perWrite = (after.messagesOut - before.messagesOut) / (after.writes - before.writes)
  const { lagged } = yield* b.stats
  return { windowed, unlimited, p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99), perWrite, lagged }
}, Effect.scoped)

const column = (value: number, digits = 0): string => value.toFixed(digits).padStart(9)
const percent = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(0)}%`.padStart(9)
const heads = ["bytes", "bare 64K", "bare 32", "ours 32", "of 64K", "of 32", "ours", "of 64K", "per write"]
const costs = ["us b64K", "us b32", "us o32", "us ours", "p50 bare", "p50 ours", "p99 bare", "p99 ours"]
console.log([...heads, ...costs].map((head) => head.padStart(9)).join(""))
for (const size of sizes) {
  const ceiling = await bare(size)
  const result = await Effect.runPromise(ours(size))
  const row = [
    column(size),
    column(ceiling.batched.rate),
    column(ceiling.windowed.rate),
    column(result.windowed.rate),
    percent(result.windowed.rate, ceiling.batched.rate),
    percent(result.windowed.rate, ceiling.windowed.rate),
    column(result.unlimited.rate),
    percent(result.unlimited.rate, ceiling.batched.rate),
    column(result.perWrite, 1),
    ...[ceiling.batched, ceiling.windowed, result.windowed, result.unlimited].map(({ cost }) => column(cost, 1)),
    ...[ceiling.p50, result.p50, ceiling.p99, result.p99].map((ms) => column(ms, 3)),
  ]
  console.log(row.join(""), result.lagged === 0 ? "" : `lagged: ${result.lagged}`)
}
process.exit(0)
