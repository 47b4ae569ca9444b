/** The services that the commands share. */
import { Crypto, Identity } from "@topic-tracker/crypto"
import { Dht } from "@topic-tracker/dht"
import { Layer, Redacted } from "effect"
import { type Args, bootstrapOf } from "./args.ts"

const dhtOf = (args: Args, readOnly: boolean) =>
  Dht.layer({ bootstrap: bootstrapOf(args), host: args.optional("bind") ?? "0.0.0.0", readOnly }).pipe(
    Layer.provideMerge(Crypto.layer()),
  )

/** `--bootstrap`, and `--bind IP` for the address to use. */
export const dhtLayer = (args: Args) => dhtOf(args, false)

/** For a program that ends after one lookup: read-only, so that no node adds it to its routing table. */
export const dhtClientLayer = (args: Args) => dhtOf(args, true)

/** The identity of `--key HEX` or `--seed HEX`, else a random one. */
export const identityLayer = (args: Args) => {
  const seed = args.bytes("key") ?? args.bytes("seed")
  return seed === undefined ? Identity.layerRandom() : Identity.layerFromSeed(Redacted.make(seed))
}
