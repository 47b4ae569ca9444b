/**
 * Checks the address packets of the core package (pkarr) against packets that iroh made and signed.
 */
import { Bytes } from "@topic-tracker/common"
import { Pkarr } from "@topic-tracker/core"
import { Crypto, EndpointId } from "@topic-tracker/crypto"
import { Effect, Redacted, Schema } from "effect"
import { failedChecks, HexText, type VectorCheck } from "./VectorReport.ts"

const PkarrVectors = Schema.Struct({
  cases: Schema.Array(
    Schema.Struct({
      dns_packet: HexText,
      endpoint_id: EndpointId.EndpointId,
      seed: HexText,
      signature: HexText,
      timestamp_micros: Schema.Int,
      ttl: Schema.Int,
      txt: Schema.Array(Schema.String),
      z32: Schema.String,
    }),
  ),
})

/**
 * Checks every case of `pkarr.json`: the endpoint id and its z-base-32, the signature over the item's BEP 44 bytes and that signing
 * again gives the same one, the strings that decoding gives, and that encoding them gives the packet byte for byte.
 */
export const coreVectors: VectorCheck = Effect.fnUntraced(function* (json) {
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
  return failedChecks({
    "endpoint id of the seed": Bytes.equals(key.publicKey, EndpointId.bytes(id)),
    "z32 encoding": Pkarr.toZ32(id) === vector.z32,
    "z32 decoding": hexOfZ32(vector.z32) === id,
    signature: crypto.verify(key.publicKey, signed, signature),
    "signing again": Bytes.equals(crypto.sign(key, signed), signature),
    strings: sorted(strings) === sorted(vector.txt),
    packet: Bytes.equals(Pkarr.encodeTxt(id, strings, vector.ttl) ?? new Uint8Array(), packet),
  })
}

const Z32_ALPHABET = "ybndrfg8ejkmcpqxot1uwisza345h769"

/** The 32 bytes, in hex, of 52 digits of z-base-32. The last digit ends with 4 bits of padding. */
const hexOfZ32 = (text: string): string => {
  let value = 0n
  for (const digit of text) value = (value << 5n) | BigInt(Z32_ALPHABET.indexOf(digit))
  return (value >> 4n).toString(16).padStart(64, "0")
}

const sorted = (strings: ReadonlyArray<string>): string => JSON.stringify([...strings].sort())

/** The bytes that the signature of a mutable item without salt covers (BEP 44). */
const signable = (seq: bigint, value: Uint8Array): Uint8Array =>
  Bytes.concat(new TextEncoder().encode(`3:seqi${seq}e1:v${value.length}:`), value)
