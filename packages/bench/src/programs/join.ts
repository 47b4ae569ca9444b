/**
 * Arguments: KIND PORT…. Measures the time (ms) from the creation of a node to its first neighbour, on the DHT testnets at the ports.
 * One sample for each port, in one process; the first is a warm-up. Each node is new: its sockets are bound within the time.
 *
 * - cold: two nodes start together; the time of the slower one.
 * - warm: two nodes have joined; the time of a third one.
 * - members: as warm, in a members-only topic: the third node and its neighbour prove the secret to each other first.
 * - restart: as warm, and the third node was in the topic before: it starts with the DHT nodes that it knew.
 *
 * Prints the samples, and those of iroh's binding alone: binding two endpoints and connecting them (`bare`). With TRACE=1 in the
 * environment it prints each node's activity until its first neighbour on standard error.
 */
import { type Topic, TopicTracker } from "@topic-tracker/core"
import { Dht, type DhtNode } from "@topic-tracker/dht"
import { Console, Context, Effect, Formatter, Layer, Stream } from "effect"
import { bareConnect } from "./gossip/bareIroh.ts"
import { main, print } from "./print.ts"

const SETTLED_MS = 1_500
const AFTER_LEAVING_MS = 500

const [kind, ...ports] = process.argv.slice(2)

/** Prints the activity until the first neighbour, in ms since the topic was opened. */
const trace = (node: string, topic: Topic.Topic) =>
  topic.activity.pipe(
    Stream.takeUntil(({ _tag }) => _tag === "Joined"),
    Stream.runForEach(({ at, _tag, ...activity }) => {
      const details = Object.entries(activity).map(([name, value]) => `${name} ${format(value)}`)
      return Console.error([node.slice(0, 8), at.toFixed(0), _tag, ...details].join("  "))
    }),
  )

const format = (value: unknown): string => Formatter.format(value).replace(/[0-9a-f]{64}/g, (id) => id.slice(0, 8))

/** Each testnet has a topic of its own: a client may get the port of an earlier one, and with it nodes and records of that one. */
const joinTopic = Effect.fnUntraced(function* (port: number, knownNodes: ReadonlyArray<DhtNode> = []) {
  const start = performance.now()
  const bootstrap = [{ host: "127.0.0.1", port }]
  const services = yield* Layer.buildWithScope(
    TopicTracker.layer({ config: { dht: { bootstrap, knownNodes } } }),
    yield* Effect.scope,
  )
  const tracker = Context.get(services, TopicTracker)
  const joined = yield* tracker.join({
    topic: `on ${port}`,
    secret: "secret",
    access: kind === "members" ? "members" : "open",
  })
  const ms = performance.now() - start
  if (process.env.TRACE === "1") yield* trace(tracker.endpointId, joined)
  return { ms, dht: Context.get(services, Dht) }
})

const cold = Effect.fnUntraced(function* (port: number) {
  const both = yield* Effect.all([joinTopic(port), joinTopic(port)], { concurrency: 2 })
  return Math.max(...both.map(({ ms }) => ms))
}, Effect.scoped)

const warm = Effect.fnUntraced(function* (port: number) {
  yield* Effect.all([joinTopic(port), joinTopic(port)], { concurrency: 2 })
  // Their records are stored, and all queries are answered.
  yield* Effect.sleep(SETTLED_MS)
  const first = yield* Effect.scoped(
    Effect.gen(function* () {
      const { ms, dht } = yield* joinTopic(port)
      return { ms, known: yield* dht.snapshot }
    }),
  )
  if (kind !== "restart") return first.ms
  yield* Effect.sleep(AFTER_LEAVING_MS)
  return (yield* Effect.scoped(joinTopic(port, first.known))).ms
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
