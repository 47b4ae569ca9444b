/**
 * How long until a node is in: cold (two nodes start together) and warm (a third), on an embedded DHT testnet and iroh, all on
 * loopback. Run: node --conditions=@topic-tracker/source packages/core/bench/join.ts [ROUNDS]
 * With TRACE=1 it shows the account of the first node of each round.
 */
import { Crypto } from "@topic-tracker/crypto"
import { DhtTestnet } from "@topic-tracker/dht"
import { Console, Context, Effect, Layer, Stream } from "effect"
import { TopicTracker } from "../src/TopicTracker.ts"

const rounds = Number(process.argv[2] ?? 10)
const trace = process.env.TRACE === "1"

const show = (value: unknown) =>
  JSON.stringify(value, (_, v) => (typeof v === "bigint" ? `${v}` : typeof v === "string" ? v.slice(0, 24) : v))

const program = Effect.gen(function* () {
  const { addresses } = yield* DhtTestnet.make({ nodes: 20 }).pipe(Effect.provide(Crypto.layer))
  const bootstrap = addresses.slice(0, 1)
  const figures: Record<string, Array<number>> = {
    "cold start": [],
    "cold join": [],
    "warm start": [],
    "warm join": [],
  }

  /** Builds the layer and joins; gives how long each took. */
  const enter = (topic: string, name: string) =>
    Effect.gen(function* () {
      const t0 = performance.now()
      const services = yield* Layer.buildWithScope(TopicTracker.layer({ bootstrap }), yield* Effect.scope)
      const t1 = performance.now()
      const joined = yield* Context.get(services, TopicTracker).joinNoWait({ topic, secret: "secret" })
      if (trace) {
        yield* Effect.forkScoped(Stream.runForEach(joined.account, (doing) => Console.log(name, show(doing))))
      }
      yield* joined.joined
      const t2 = performance.now()
      return { start: t1 - t0, join: t2 - t1 }
    })

  for (let round = 0; round < rounds; round++) {
    yield* Effect.gen(function* () {
      const topic = `bench ${round}`
      const cold = yield* Effect.all([enter(topic, "a"), enter(topic, "b")], { concurrency: 2 })
      yield* Effect.sleep(500)
      const warm = yield* enter(topic, "c")
      figures["cold start"]!.push(Math.max(...cold.map(({ start }) => start)))
      figures["cold join"]!.push(Math.max(...cold.map(({ join }) => join)))
      figures["warm start"]!.push(warm.start)
      figures["warm join"]!.push(warm.join)
    }).pipe(Effect.scoped)
  }
  for (const [name, values] of Object.entries(figures)) {
    values.sort((a, b) => a - b)
    const at = (share: number) => values[Math.floor(share * (values.length - 1))]!.toFixed(1)
    yield* Console.log(`${name}: min ${at(0)}  median ${at(0.5)}  max ${at(1)} ms`)
  }
})

Effect.runPromise(Effect.scoped(program)).then(
  () => process.exit(0),
  (error) => {
    console.error(error)
    process.exit(1)
  },
)
