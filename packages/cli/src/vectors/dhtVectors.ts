/**
 * Checks the items of the dht package (BEP 44) against recorded items of another implementation.
 */
import { Bytes } from "@topic-tracker/common"
import { Crypto } from "@topic-tracker/crypto"
import { encodeValue, signable, targetOf, verifyItem } from "@topic-tracker/dht"
import { Effect, Redacted, Schema } from "effect"
import { failedChecks, HexText, type VectorCheck } from "./VectorReport.ts"

/** The format of `dht-items.json`: no salt is null; seq is a decimal string, because a JSON number cannot hold 2^63 − 1. */
const DhtItemVectors = Schema.Struct({
  about: Schema.optionalKey(Schema.String),
  cases: Schema.Array(
    Schema.Struct({
      seed: HexText,
      public_key: HexText,
      salt: Schema.NullOr(HexText),
      seq: Schema.BigIntFromString,
      value: HexText,
      signature: HexText,
      target: HexText,
    }),
  ),
})

/** Checks that public key, target and signature of every item follow from its seed, salt, seq and value. */
export const dhtVectors: VectorCheck = Effect.fnUntraced(function* (json) {
  const crypto = yield* Crypto
  const { cases } = yield* Schema.decodeUnknownEffect(DhtItemVectors)(json)
  const failed: Array<string> = []
  for (const [index, vector] of cases.entries()) {
    const key = crypto.signingKey(Redacted.make(Bytes.fromHex(vector.seed)))
    const publicKey = Bytes.fromHex(vector.public_key)
    const salt = vector.salt === null ? undefined : Bytes.fromHex(vector.salt)
    const encodedValue = encodeValue(Bytes.fromHex(vector.value))
    const item = { publicKey, salt, seq: vector.seq, encodedValue, signature: Bytes.fromHex(vector.signature) }
    const wrong = failedChecks({
      public_key: Bytes.toHex(key.publicKey) === vector.public_key,
      target: Bytes.toHex(targetOf(publicKey, salt)) === vector.target,
      signature: verifyItem(crypto, item),
      "signing again": Bytes.toHex(crypto.sign(key, signable(salt, vector.seq, encodedValue))) === vector.signature,
    })
    if (wrong.length > 0) failed.push(`dht-items case ${index}: ${wrong.join(", ")}`)
  }
  return { passed: cases.length - failed.length, failed }
})
