import { Crypto } from "@topic-tracker/crypto"
import { Dht } from "@topic-tracker/dht"
import { layer, make } from "@topic-tracker/dht/testing/MemoryDht"
import { Effect, Redacted, Stream } from "effect"

// Two clients of one DHT in memory.
const program = Effect.gen(function* () {
  const crypto = yield* Crypto
  const network = yield* make()
  const key = crypto.signingKey(Redacted.make(yield* crypto.randomBytes(32)))
  const put = Effect.flatMap(Dht, (dht) => dht.put({ key, seq: 1n, value: new Uint8Array(1) }))
  const get = Effect.flatMap(Dht, (dht) => Stream.runCount(dht.get({ publicKey: key.publicKey })))
  yield* put.pipe(Effect.provide(layer(network)))
  console.log(yield* get.pipe(Effect.provide(layer(network)))) // → 1
})

await Effect.runPromise(program.pipe(Effect.scoped, Effect.provide(Crypto.layer())))
