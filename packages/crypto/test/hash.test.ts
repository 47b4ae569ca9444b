import { assert, describe, it } from "@effect/vitest"
import { Bytes } from "@topic-tracker/common"
import { messageHash } from "@topic-tracker/crypto"
import { sha512Half } from "../src/hash.ts"

describe("sha512Half and messageHash", () => {
  it("give the same hash with noble and node:crypto, for one part and for several", () => {
    // SHA-512 of "abc", FIPS 180-4.
    const abc = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
    const bytes = (text: string) => new TextEncoder().encode(text)
    assert.strictEqual(Bytes.toHex(messageHash(bytes("abc"))), abc)
    assert.strictEqual(Bytes.toHex(sha512Half(bytes("abc"))), abc)
    assert.strictEqual(Bytes.toHex(sha512Half(bytes("a"), bytes(""), bytes("bc"))), abc)
    for (const size of [0, 1, 111, 112, 127, 128, 129, 4_000]) {
      const content = Uint8Array.from({ length: size }, (_, i) => i * 31)
      assert.deepStrictEqual(messageHash(content), sha512Half(content))
    }
  })

  it("return bytes that the caller owns", () => {
    const hash = messageHash(new Uint8Array([1]))
    assert.strictEqual(hash.constructor, Uint8Array)
    assert.strictEqual(hash.buffer.byteLength, 32)
  })
})
