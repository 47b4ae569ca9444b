// Two nodes on real sockets, over a DHT of eight nodes on loopback: each must get the other's message.
import { Topic, TopicTracker } from "@topic-tracker/core"
import { Crypto } from "@topic-tracker/crypto"
import { DhtTestnet } from "@topic-tracker/dht/testing"
import { Effect, Stream } from "effect"

const node = (name, bootstrap) =>
  Effect.gen(function* () {
    const topic = yield* Topic.join({ topic: "consumer", secret: "of the packed packages" })
    yield* topic.broadcast(`hello from ${name}`)
    const [message] = yield* Stream.runCollect(Stream.take(topic.messages, 1))
    return message.text
  }).pipe(Effect.scoped, Effect.provide(TopicTracker.layer({ config: { dht: { bootstrap } } })))

const program = Effect.gen(function* () {
  const testnet = yield* DhtTestnet.make({ nodes: 8 })
  const bootstrap = testnet.addresses.slice(0, 2).map(({ host, port }) => `${host}:${port}`)
  const texts = yield* Effect.all([node("a", bootstrap), node("b", bootstrap)], { concurrency: 2 })
  if (texts.join() !== "hello from b,hello from a") throw new Error(`heard ${texts.join()}`)
  console.log("met")
}).pipe(Effect.scoped, Effect.provide(Crypto.layer()), Effect.timeout("20 seconds"))

Effect.runPromise(program).then(
  () => process.exit(0),
  (error) => {
    console.error(error)
    process.exit(1)
  },
)
