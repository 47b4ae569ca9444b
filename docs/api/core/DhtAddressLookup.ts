import { AddressLookup } from "@topic-tracker/core"
import { layer } from "@topic-tracker/core/DhtAddressLookup"
import { Crypto, Identity } from "@topic-tracker/crypto"
import { MemoryDht } from "@topic-tracker/dht/testing"
import { Effect, Layer } from "effect"

const lookup = layer({ publishPrivateAddresses: true }).pipe(
  Layer.provide([MemoryDht.layerAlone(), Identity.layerRandom()]),
  Layer.provide(Crypto.layer()),
)

const program = Effect.gen(function* () {
  const addresses = yield* AddressLookup
  console.log(typeof addresses.resolve) // → function
})

await Effect.runPromise(Effect.provide(program, lookup))
