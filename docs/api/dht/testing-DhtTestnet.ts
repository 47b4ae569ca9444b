import { Crypto } from "@topic-tracker/crypto"
import { Dht } from "@topic-tracker/dht"
import { make } from "@topic-tracker/dht/testing/DhtTestnet"
import { Effect } from "effect"

// Real nodes on loopback, gone with the Scope.
const program = Effect.gen(function* () {
  const { addresses } = yield* make({ nodes: 5 })
  yield* Effect.gen(function* () {
    yield* (yield* Dht).bootstrapped
    console.log("bootstrapped") // → bootstrapped
  }).pipe(Effect.provide(Dht.layer({ bootstrap: addresses })))
})

await Effect.runPromise(program.pipe(Effect.scoped, Effect.provide(Crypto.layer())))
