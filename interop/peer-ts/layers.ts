/** The services that the commands share. */
import { Crypto, Identity } from "@topic-tracker/crypto"
import { Dht } from "@topic-tracker/dht"
import { Layer, Redacted } from "effect"
import { type Args, bootstrapOf } from "./args.ts"

/** `--bootstrap`, and `--bind IP` for the one address to use. */
export const dhtLayer = (args: Args) =>
  Dht.layer({ bootstrap: bootstrapOf(args), host: args.optional("bind") ?? "0.0.0.0" }).pipe(
    Layer.provideMerge(Crypto.layer),
  )

/** `--key HEX` (or `--seed HEX`) as who we are, else a new key. */
export const identityLayer = (args: Args) => {
  const seed = args.bytes("key") ?? args.bytes("seed")
  return seed === undefined ? Identity.layerRandom : Identity.layerFromSeed(Redacted.make(seed))
}
