import { assert, describe, it } from "@effect/vitest"
import { Bytes } from "@topic-tracker/crypto"
import { portableSha512Half, sha512Half } from "../src/hash.ts"

describe("sha512Half", () => {
  it("is the same by noble and by node:crypto, of one part or several", () => {
    // SHA-512 of "abc", FIPS 180-4.
    const abc = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
    for (const hash of [sha512Half, portableSha512Half]) {
      assert.strictEqual(Bytes.toHex(hash(new TextEncoder().encode("abc"))), abc)
      assert.strictEqual(Bytes.toHex(hash(...["a", "", "bc"].map((part) => new TextEncoder().encode(part)))), abc)
    }
    for (const size of [0, 1, 111, 112, 127, 128, 129, 4_000]) {
      const bytes = Uint8Array.from({ length: size }, (_, i) => i * 31)
      assert.deepStrictEqual(sha512Half(bytes), portableSha512Half(bytes))
    }
  })

  it("gives bytes of the caller's own", () => {
    const hash = sha512Half(new Uint8Array([1]))
    assert.strictEqual(hash.constructor, Uint8Array)
    assert.strictEqual(hash.buffer.byteLength, 32)
  })
})
