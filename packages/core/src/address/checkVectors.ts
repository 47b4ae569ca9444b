/**
 * Checks this package's codecs against address packets that iroh's own code made and signed.
 */
import { Bytes } from "@topic-tracker/common"
import { Crypto, EndpointId, type Vectors } from "@topic-tracker/crypto"
import { Effect, Redacted, Schema } from "effect"
import * as z32 from "z32"
import * as Pkarr from "./pkarr.ts"

const Hex = Schema.String.check(Schema.isPattern(/^([0-9a-f]{2})*$/, { expected: "lowercase hex" }))

const PkarrVectors = Schema.Struct({
  cases: Schema.Array(
    Schema.Struct({
      dns_packet: Hex,
      endpoint_id: EndpointId.EndpointId,
      seed: Hex,
      signature: Hex,
      timestamp_micros: Schema.Int,
      ttl: Schema.Int,
      txt: Schema.Array(Schema.String),
      z32: Schema.String,
    }),
  ),
})

/**
 * Checks every case of a `pkarr.json`: the endpoint id and its z-base-32, the signature over the item's BEP 44 bytes (and
 * that signing again gives the same), the strings that are read, and that writing them gives the packet byte for byte.
 * Fails with a SchemaError when the value is no such file.
 */
export const checkVectors = Effect.fnUntraced(function* (
  json: unknown,
): Effect.fn.Return<Vectors.VectorReport, Schema.SchemaError, Crypto> {
  const crypto = yield* Crypto
  const { cases } = yield* Schema.decodeUnknownEffect(PkarrVectors)(json)
  const failed: Array<string> = []
  for (const [i, vector] of cases.entries()) {
    const wrong = checkCase(crypto, vector)
    if (wrong.length > 0) failed.push(`pkarr case ${i}: ${wrong.join(", ")}`)
  }
  return { passed: cases.length - failed.length, failed }
})

const checkCase = (
  crypto: Crypto["Service"],
  vector: (typeof PkarrVectors.Type)["cases"][number],
): ReadonlyArray<string> => {
  const id = vector.endpoint_id
  const packet = Bytes.fromHex(vector.dns_packet)
  const key = crypto.signingKey(Redacted.make(Bytes.fromHex(vector.seed)))
  const signature = Bytes.fromHex(vector.signature)
  const signed = signable(BigInt(vector.timestamp_micros), packet)
  const strings = Pkarr.decodeTxt(id, packet) ?? []
  const checks = {
    "the seed makes another endpoint id": Bytes.equals(key.publicKey, EndpointId.bytes(id)),
    "z32 is written otherwise": Pkarr.toZ32(id) === vector.z32,
    "z32 is read otherwise": Bytes.equals(z32.decode(vector.z32).slice(0, 32), EndpointId.bytes(id)),
    "the signature does not hold": crypto.verify(key.publicKey, signed, signature),
    "the signature is made otherwise": Bytes.equals(crypto.sign(key, signed), signature),
    "the strings are read otherwise": sorted(strings) === sorted(vector.txt),
    "the packet is written otherwise": Bytes.equals(
      Pkarr.encodeTxt(id, strings, vector.ttl) ?? new Uint8Array(),
      packet,
    ),
  }
  return Object.entries(checks).flatMap(([sentence, held]) => (held ? [] : [sentence]))
}

const sorted = (strings: ReadonlyArray<string>): string => JSON.stringify([...strings].sort())

/** What the signature of a mutable item without salt covers (BEP 44). */
const signable = (seq: bigint, value: Uint8Array): Uint8Array =>
  Bytes.concat(new TextEncoder().encode(`3:seqi${seq}e1:v${value.length}:`), value)
