/**
 * A process with few free file descriptors, which makes an iroh endpoint. Its first argument is how many it leaves. It
 * prints the error as JSON, or null.
 */
import { closeSync, openSync } from "node:fs"
import { devNull } from "node:os"
import { Crypto, Identity } from "@topic-tracker/crypto"
import { Effect, Exit, Layer } from "effect"
import { AddressLookup, Gossip } from "../../src/index.ts"

const left = Number(process.argv[2])
const opened: Array<number> = []
try {
  while (true) opened.push(openSync(devNull, "r"))
} catch {
  // All are in use.
}
for (const descriptor of opened.splice(0, left)) closeSync(descriptor)

const layer = Gossip.layerIroh({ bind: "127.0.0.1:0" }).pipe(
  Layer.provide([AddressLookup.layerNone(), Identity.layerRandom().pipe(Layer.provide(Crypto.layer()))]),
)
const exit = await Effect.runPromiseExit(Effect.scoped(Layer.build(layer)))
const error = Exit.isFailure(exit) ? exit.cause.reasons.find((reason) => reason._tag === "Fail")?.error : null
process.stdout.write(`${JSON.stringify(error)}\n`, () => process.exit(0))
