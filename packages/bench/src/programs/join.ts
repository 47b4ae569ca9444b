/**
 * How long until a node is in, in ms, on the DHT testnets at the given ports: KIND PORT…. One sample for each port, in one
 * process; the first is for warming up. A node is new each time: its sockets are bound within the time measured.
 *
 * - cold: two nodes start together; the slower one's time.
 * - warm: two nodes are in; a third's time.
 * - restart: the same, and the third was here before: it knows the DHT nodes it knew then.
 *
 * Prints the samples, and how long iroh's binding alone takes to bind two endpoints and connect them. With TRACE=1 in the environment
 * it tells on standard error what each node did until it was in, and when.
 */
import { type Topic, TopicTracker } from "@topic-tracker/core"
import { Dht, type DhtNode } from "@topic-tracker/dht"
import { Console, Context, Effect, Formatter, Layer, Stream } from "effect"
import { bareConnect } from "./bareIroh.ts"
import { main, print } from "./print.ts"

const [kind, ...ports] = process.argv.slice(2)

/** The activity until the first neighbour; times are ms since the topic was opened. */
const trace = (node: string, topic: Topic.Topic) =>
  topic.activity.pipe(
    Stream.takeUntil(({ _tag }) => _tag === "Joined"),
    Stream.runForEach(({ at, _tag, ...doing }) => {
      const details = Object.entries(doing).map(([name, value]) => `${name} ${show(value)}`)
      return Console.error([node.slice(0, 8), at.toFixed(0), _tag, ...details].join("  "))
    }),
  )

const show = (value: unknown): string => Formatter.format(value).replace(/[0-9a-f]{64}/g, (id) => id.slice(0, 8))

/** The topic is each DHT's own: a client on the port of an earlier one may be told of that one's nodes, and their records. */
const enter = Effect.fnUntraced(function* (port: number, knownNodes: ReadonlyArray<DhtNode> = []) {
  const start = performance.now()
  const bootstrap = [{ host: "127.0.0.1", port }]
  const services = yield* Layer.buildWithScope(
    TopicTracker.layer({ config: { dht: { bootstrap, knownNodes } } }),
    yield* Effect.scope,
  )
  const tracker = Context.get(services, TopicTracker)
  const joined = yield* tracker.join({ topic: `on ${port}`, secret: "secret" })
  const ms = performance.now() - start
  if (process.env.TRACE === "1") yield* trace(tracker.endpointId, joined)
  return { ms, dht: Context.get(services, Dht) }
})

const cold = Effect.fnUntraced(function* (port: number) {
  const both = yield* Effect.all([enter(port), enter(port)], { concurrency: 2 })
  return Math.max(...both.map(({ ms }) => ms))
}, Effect.scoped)

const warm = Effect.fnUntraced(function* (port: number) {
  yield* Effect.all([enter(port), enter(port)], { concurrency: 2 })
  // Their records are out, and the DHT's queries answered.
  yield* Effect.sleep(1500)
  const first = yield* Effect.scoped(
    Effect.gen(function* () {
      const { ms, dht } = yield* enter(port)
      return { ms, known: yield* dht.snapshot }
    }),
  )
  if (kind === "warm") return first.ms
  yield* Effect.sleep(500)
  return (yield* Effect.scoped(enter(port, first.known))).ms
}, Effect.scoped)

await main(
  Effect.gen(function* () {
    const samples: Array<number> = []
    for (const port of ports) samples.push(yield* (kind === "cold" ? cold : warm)(Number(port)))
    const bare: Array<number> = []
    for (let i = 0; i < ports.length; i++) bare.push(yield* Effect.promise(bareConnect))
    print({ samples: samples.slice(1), bare: bare.slice(1) })
  }),
)
