import { Crypto, Identity } from "@topic-tracker/crypto"
import { GossipTransport } from "@topic-tracker/gossip"
import { MemoryNetwork } from "@topic-tracker/gossip/testing"
import { layer } from "@topic-tracker/gossip/testing/MemoryTransport"
import { Effect, Layer } from "effect"

const program = Effect.gen(function* () {
  const network = yield* MemoryNetwork.make()
  const identity = Identity.layerRandom().pipe(Layer.provide(Crypto.layer()))
  yield* GossipTransport.pipe(Effect.provide(layer(network).pipe(Layer.provide(identity))))
  console.log("a transport in memory") // → a transport in memory
})

await Effect.runPromise(Effect.scoped(program))
