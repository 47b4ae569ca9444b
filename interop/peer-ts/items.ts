/** `put` and `get`: one mutable item (BEP 44). */
import { Bytes } from "@topic-tracker/common"
import { Crypto } from "@topic-tracker/crypto"
import { Dht } from "@topic-tracker/dht"
import { Effect, Redacted, Stream } from "effect"
import type { Args } from "./args.ts"
import { dhtClientLayer } from "./layers.ts"
import { emit } from "./stdio.ts"

const saltOf = (args: Args) => {
  const salt = args.bytes("salt")
  return salt === undefined ? {} : { salt }
}

/** `--bootstrap --seed HEX [--salt HEX] --seq N [--cas N] --value HEX` */
export const put = (args: Args) =>
  Effect.gen(function* () {
    const crypto = yield* Crypto
    const dht = yield* Dht
    const cas = args.optional("cas")
    const { asked, stored } = yield* dht.put({
      key: crypto.signingKey(Redacted.make(Bytes.fromHex(args.required("seed")))),
      ...saltOf(args),
      seq: BigInt(args.required("seq")),
      ...(cas === undefined ? {} : { cas: BigInt(cas) }),
      value: Bytes.fromHex(args.required("value")),
    })
    yield* emit({ event: "stored", nodes: stored, asked })
  }).pipe(Effect.provide(dhtClientLayer(args)))

/** `--bootstrap --key HEX [--salt HEX]`: prints `item` for each distinct item, then `done`. */
export const get = (args: Args) =>
  Effect.gen(function* () {
    const dht = yield* Dht
    let count = 0
    yield* dht.get({ publicKey: Bytes.fromHex(args.required("key")), ...saltOf(args) }).pipe(
      Stream.runForEach(({ seq, value }) => {
        count++
        return emit({ event: "item", seq: String(seq), value: Bytes.toHex(value) })
      }),
    )
    yield* emit({ event: "done", count })
  }).pipe(Effect.provide(dhtClientLayer(args)))
