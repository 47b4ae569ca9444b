import { Crypto, Identity } from "@topic-tracker/crypto"
import { AddressLookup, GossipTransport } from "@topic-tracker/gossip"
import * as IrohTransport from "@topic-tracker/gossip/IrohTransport"
import { Effect, Layer } from "effect"

// An endpoint on loopback, for Gossip.layer or a protocol of your own.
const transport = IrohTransport.layer({ bind: "127.0.0.1:0" }).pipe(
  Layer.provide(AddressLookup.layerShared(new Map())),
  Layer.provide(Identity.layerRandom()),
  Layer.provide(Crypto.layer()),
)

const program = Effect.gen(function* () {
  yield* GossipTransport
  console.log("a transport") // → a transport
})

await Effect.runPromise(Effect.provide(program, transport))
