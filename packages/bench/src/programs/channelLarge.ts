/**
 * Arguments: PORT NODES MEMBERS ROUNDS. Members of one topic, on the DHT testnet at the port: NODES of them in this process. Each says small messages in a
 * channel at a steady rate. With MEMBERS above 0 there is one more node, the leader: it waits for so many others, then publishes 1 MB in another
 * channel, ROUNDS times, each until all have acknowledged it. Prints:
 *
 * - `quiet`, `large`: ms from the sending to the arrival of each small message here, while nothing else and while the 1 MB was under way.
 * - `transfers`: ms until all others had the 1 MB; empty without a leader.
 *
 * The processes compare times by the machine's monotonic clock.
 */
import { type Channel, type ChannelError, TopicTracker } from "@topic-tracker/core"
import { Context, Effect, Layer, Redacted, Schema, Stream } from "effect"
import { main, numberAt, print } from "./print.ts"

const [port, nodes, members, rounds] = [numberAt(0), numberAt(1), numberAt(2), numberAt(3)]

const LARGE_BYTES = 1_000_000
/** Each node says so many small messages a second: 20 nodes 40 in all. */
const EVERY_MS = 500
const QUIET_MS = 3_000
const SETTLE_MS = 500

const Phase = Schema.Literals(["still", "quiet", "large", "end"])
type Phase = typeof Phase.Type
const Small = Schema.Struct({ phase: Phase, at: Schema.Number, text: Schema.String })
const TEXT = ".".repeat(80)

const now = (): number => Number(process.hrtime.bigint()) / 1e6

const delays = { quiet: [] as Array<number>, large: [] as Array<number> }
let phase: Phase = "still"

const reading = { capacity: 8_192 }

const makeNode = Effect.gen(function* () {
  const layer = Layer.fresh(TopicTracker.layer({ config: { dht: { bootstrap: [{ host: "127.0.0.1", port }] } } }))
  const tracker = Context.get(yield* Layer.build(layer), TopicTracker)
  const secret = Redacted.make(new Uint8Array(32).fill(5))
  const topic = yield* tracker.joinNoWait({ topic: `large on ${port}`, secret, access: "members" })
  const small = yield* topic.channel("small", Small, reading)
  const large = yield* topic.channel("large", Schema.Uint8Array, reading)
  const control = yield* topic.channel("control", Phase, reading)
  yield* Stream.runForEach(small.messages, ({ value }) =>
    Effect.sync(() => {
      if (value.phase === "quiet" || value.phase === "large") delays[value.phase].push(now() - value.at)
    }),
  ).pipe(Effect.forkScoped)
  // Only who reads a channel acknowledges its messages.
  yield* Effect.forkScoped(Stream.runDrain(large.messages))
  return { topic, small, large, control }
})

/** One of the other members: says small messages until the leader ends it. */
const member = Effect.gen(function* () {
  const { control, small } = yield* makeNode
  yield* Effect.gen(function* () {
    yield* Effect.sleep(Math.random() * EVERY_MS)
    for (;;) {
      if (phase === "quiet" || phase === "large") yield* small.publish({ phase, at: now(), text: TEXT })
      yield* Effect.sleep(EVERY_MS)
    }
  }).pipe(Effect.forkScoped)
  yield* control.messages.pipe(
    Stream.tap(({ value }) =>
      Effect.sync(() => {
        phase = value
      }),
    ),
    Stream.takeUntil(({ value }) => value === "end"),
    Stream.runDrain,
  )
})

/** Until all others have it. */
const toAll = <A>(channel: Channel<A>, value: A): Effect.Effect<unknown, ChannelError> =>
  channel.publish(value, { acknowledge: { by: members, within: "60 seconds" } })

const lead = Effect.gen(function* () {
  const { control, large, topic } = yield* makeNode
  yield* Effect.forkScoped(Stream.runDrain(control.messages))
  yield* topic.joined
  yield* Effect.retry(control.publish("still", { acknowledge: { by: members, within: "2 seconds" } }), { times: 30 })
  const transfers: Array<number> = []
  for (let round = 0; round < rounds; round++) {
    yield* toAll(control, "quiet")
    yield* Effect.sleep(QUIET_MS)
    yield* toAll(control, "large")
    const start = now()
    yield* toAll(large, new Uint8Array(LARGE_BYTES).fill(round))
    transfers.push(now() - start)
    yield* toAll(control, "still")
    yield* Effect.sleep(SETTLE_MS)
  }
  yield* control.publish("end")
  // Those that are no neighbours get it, too, before this node leaves.
  yield* Effect.sleep(SETTLE_MS)
  return transfers
})

await main(
  Effect.gen(function* () {
    const [transfers] = yield* Effect.all(
      [
        members > 0 ? lead : Effect.succeed([]),
        ...Array.from({ length: nodes }, () => Effect.as(member, [] as Array<number>)),
      ],
      { concurrency: "unbounded" },
    )
    print({ transfers, ...delays })
  }).pipe(Effect.scoped),
)
