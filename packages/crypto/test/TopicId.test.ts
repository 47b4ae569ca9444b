import { assert, describe, it } from "@effect/vitest"
import { Bytes } from "@topic-tracker/common"
import { TopicId } from "@topic-tracker/crypto"

describe("TopicId", () => {
  it("is the first 32 bytes of SHA-512 of the name", () => {
    // SHA-512 of the empty string, FIPS 180-4.
    assert.strictEqual(TopicId.fromName("").hex, "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce")
  })

  it("hashes the UTF-8 bytes of a string", () => {
    const name = "mondlicht \u{1F319} über"
    assert.strictEqual(TopicId.fromName(name).hex, TopicId.fromName(new TextEncoder().encode(name)).hex)
  })

  it("refuses other lengths than 32 bytes, with an error that has the length", () => {
    assert.throws(() => TopicId.fromBytes(new Uint8Array(31)), /31 bytes; a topic id has 32/)
    assert.deepStrictEqual(TopicId.fromBytes(Bytes.fromHex("07".repeat(32))).bytes, new Uint8Array(32).fill(7))
  })
  it("copies its bytes, also from a Buffer, whose slices share memory", () => {
    const buffer = Buffer.alloc(32, 7)
    const topic = TopicId.fromBytes(buffer)
    buffer.fill(0)
    assert.strictEqual(Bytes.toHex(topic.bytes), topic.hex)
  })
})
