import { assert, describe, it } from "@effect/vitest"
import { Bytes } from "@topic-tracker/common"
import { TopicId } from "@topic-tracker/crypto"

describe("TopicId", () => {
  it("is SHA-512 of the name, cut to 32 bytes", () => {
    // SHA-512 of the empty string, FIPS 180-4.
    assert.strictEqual(TopicId.fromName("").hex, "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce")
  })

  it("counts a string as its UTF-8 bytes", () => {
    const name = "mondlicht \u{1F319} über"
    assert.strictEqual(TopicId.fromName(name).hex, TopicId.fromName(new TextEncoder().encode(name)).hex)
  })

  it("refuses any other number of bytes than 32, and says how many it got", () => {
    assert.throws(() => TopicId.fromBytes(new Uint8Array(31)), /31 bytes; a topic id has 32/)
    assert.deepStrictEqual(TopicId.fromBytes(Bytes.fromHex("07".repeat(32))).bytes, new Uint8Array(32).fill(7))
  })
  it("keeps bytes of its own, also of a Buffer, whose slices share memory", () => {
    const buffer = Buffer.alloc(32, 7)
    const topic = TopicId.fromBytes(buffer)
    buffer.fill(0)
    assert.strictEqual(Bytes.toHex(topic.bytes), topic.hex)
  })
})
