/** Checks recorded BEP 44 items, so that other implementations' bytes and ours can be held against each other. */
import { Bytes } from "@topic-tracker/common"
import { Crypto, type Vectors } from "@topic-tracker/crypto"
import { Effect, Redacted, Schema } from "effect"
import { signable, targetOf, verifyItem } from "./bep44/item.ts"
import { encode } from "./krpc/bencode.ts"

const Hex = Schema.String.check(Schema.isPattern(/^(?:[0-9a-f]{2})*$/, { expected: "lowercase hex" }))

/** The format of `dht-items.json`: bytes are hex, no salt is null, seq is a decimal string because 2^63 − 1 fits no JSON number. */
export const DhtItemVectors = Schema.Struct({
  about: Schema.optionalKey(Schema.String),
  cases: Schema.Array(
    Schema.Struct({
      seed: Hex,
      public_key: Hex,
      salt: Schema.NullOr(Hex),
      seq: Schema.BigIntFromString,
      value: Hex,
      signature: Hex,
      target: Hex,
    }),
  ),
})

/** Whether each item's public key, target and signature are what its seed, salt, seq and value make. */
export const checkVectors = Effect.fnUntraced(function* (
  json: unknown,
): Effect.fn.Return<Vectors.VectorReport, Schema.SchemaError, Crypto> {
  const crypto = yield* Crypto
  const { cases } = yield* Schema.decodeUnknownEffect(DhtItemVectors)(json)
  const failed: Array<string> = []
  for (const [index, vector] of cases.entries()) {
    const key = crypto.signingKey(Redacted.make(Bytes.fromHex(vector.seed)))
    const publicKey = Bytes.fromHex(vector.public_key)
    const salt = vector.salt === null ? undefined : Bytes.fromHex(vector.salt)
    const encodedValue = encode(Bytes.fromHex(vector.value))
    const item = { publicKey, salt, seq: vector.seq, encodedValue, signature: Bytes.fromHex(vector.signature) }
    const checks: ReadonlyArray<readonly [string, boolean]> = [
      ["public_key", Bytes.toHex(key.publicKey) === vector.public_key],
      ["target", Bytes.toHex(targetOf(publicKey, salt)) === vector.target],
      ["signature does not hold", verifyItem(crypto, item)],
      ["signing again", Bytes.toHex(crypto.sign(key, signable(salt, vector.seq, encodedValue))) === vector.signature],
    ]
    const wrong = checks.filter(([, holds]) => !holds).map(([name]) => name)
    if (wrong.length > 0) failed.push(`case ${index}: ${wrong.join(", ")}`)
  }
  return { passed: cases.length - failed.length, failed }
})
