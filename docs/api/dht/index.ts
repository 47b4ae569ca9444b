import { Crypto } from "@topic-tracker/crypto"
import { Dht } from "@topic-tracker/dht"
import { MemoryDht } from "@topic-tracker/dht/testing"
import { Effect, Layer, Redacted, Stream } from "effect"

const program = Effect.gen(function* () {
  const crypto = yield* Crypto
  const dht = yield* Dht
  const key = crypto.signingKey(Redacted.make(yield* crypto.randomBytes(32)))
  yield* dht.put({ key, seq: 1n, value: new TextEncoder().encode("hello") })
  yield* Stream.runForEach(dht.get({ publicKey: key.publicKey }).pipe(Stream.take(1)), ({ seq, value }) =>
    Effect.sync(() => console.log(seq, new TextDecoder().decode(value))),
  ) // → 1n hello
})

// A DHT in memory; Dht.layer() is the mainline DHT.
const layer = MemoryDht.layerAlone().pipe(Layer.provideMerge(Crypto.layer()))
await Effect.runPromise(Effect.provide(program, layer))
