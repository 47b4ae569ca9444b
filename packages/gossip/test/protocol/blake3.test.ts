import { assert, it } from "@effect/vitest"
import { blake3 as noble } from "@noble/hashes/blake3.js"
import { Bytes } from "@topic-tracker/common"
import { Schema } from "effect"
import * as Protocol from "../../src/protocol/index.ts"
import { byteArrays } from "./arbitraries.ts"

/** The input of the BLAKE3 authors' test vectors: bytes 0 to 250, repeated. */
const input = (length: number) => Uint8Array.from({ length }, (_, i) => i % 251)
const hex = (length: number) => Bytes.toHex(Protocol.blake3(input(length)))

it("gives the hashes of the authors' test_vectors.json", () => {
  assert.strictEqual(hex(0), "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262")
  assert.strictEqual(hex(1), "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213")
  assert.strictEqual(hex(1024), "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7")
  assert.strictEqual(hex(1025), "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444")
})

it("equals noble for every length up to three chunks and for many longer ones", () => {
  for (let length = 0; length <= 16_500; length += length < 3_100 ? 1 : 61) {
    assert.strictEqual(hex(length), Bytes.toHex(noble(input(length))), `${length} bytes`)
  }
})

it.prop(
  "equals noble for any bytes, also within a larger buffer",
  { bytes: byteArrays(5_000), start: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100 })) },
  ({ bytes, start }) => {
    const window = bytes.subarray(Math.min(start, bytes.length))
    assert.deepStrictEqual(Protocol.blake3(window), noble(window))
  },
)
