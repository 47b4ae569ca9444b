/** A worker thread that tries to make an iroh endpoint and posts the error. */
import { parentPort } from "node:worker_threads"
import { Crypto, Identity } from "@topic-tracker/crypto"
import { Effect, Layer } from "effect"
import { AddressLookup, Gossip } from "../../src/index.ts"

const layer = Gossip.layerIroh({ bind: "127.0.0.1:0" }).pipe(
  Layer.provide([AddressLookup.layerNone(), Identity.layerRandom().pipe(Layer.provide(Crypto.layer()))]),
)
const { _tag, message, reason } = await Effect.runPromise(Effect.flip(Effect.scoped(Layer.build(layer))))
parentPort?.postMessage({ _tag, message, reason })
