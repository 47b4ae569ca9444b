/** The DHT testnet of a test file, and examples on it. */
import { Crypto } from "@topic-tracker/crypto"
import { DhtTestnet } from "@topic-tracker/dht/testing"
import { Context, Effect, Layer } from "effect"
import { start } from "./Running.ts"

export class Testnet extends Context.Service<Testnet, { readonly bootstrap: ReadonlyArray<string> }>()("test/Testnet") {
  static readonly layer = Layer.effect(
    Testnet,
    Effect.map(DhtTestnet.make(), ({ addresses }) => ({
      bootstrap: ["--bootstrap", `127.0.0.1:${addresses[0]?.port}`],
    })),
  ).pipe(Layer.provide(Crypto.layer()))
}

/** Starts an example on the testnet of this file. */
export const startHere = (name: string, args: ReadonlyArray<string> = []) =>
  Effect.flatMap(Testnet, ({ bootstrap }) => start(name, [...bootstrap, ...args]))
