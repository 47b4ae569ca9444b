import { assert, describe, it, layer } from "@effect/vitest"
import { Bytes } from "@topic-tracker/common"
import { publishedBeside } from "@topic-tracker/common/testing"
import { Crypto } from "@topic-tracker/crypto"
import { Effect, Schema } from "effect"
import { immutableTarget, refusal, signable, targetOf, verifyItem } from "../src/bep44/item.ts"
import { encode } from "../src/krpc/bencode.ts"

const published = publishedBeside(import.meta.url)

const hello = encode("Hello World!")
const ascii = (text: string) => new TextEncoder().encode(text)

const bep44 = published(
  "bep44.json",
  Schema.Struct({
    publicKey: Schema.Uint8ArrayFromHex,
    mutable: Schema.Array(
      Schema.Struct({
        salt: Schema.optionalKey(Schema.String),
        signed: Schema.String,
        target: Schema.String,
        signature: Schema.Uint8ArrayFromHex,
      }),
    ),
    immutable: Schema.Array(Schema.Struct({ value: Schema.String, target: Schema.String })),
  }),
)
const { publicKey } = bep44

layer(Crypto.layer())("mutable items", (it) => {
  it.effect.each(bep44.mutable)("BEP 44: the item at $target", ({ salt: text, signed, target, signature }) =>
    Effect.gen(function* () {
      const crypto = yield* Crypto
      const salt = text === undefined ? undefined : ascii(text)
      assert.strictEqual(new TextDecoder().decode(signable(salt, 1n, hello)), signed)
      assert.strictEqual(Bytes.toHex(targetOf(publicKey, salt)), target)
      const item = { publicKey, salt, seq: 1n, encodedValue: hello, signature }
      assert.isTrue(verifyItem(crypto, item))
      assert.isFalse(verifyItem(crypto, { ...item, seq: 2n }))
      assert.isFalse(verifyItem(crypto, { ...item, salt: ascii("other") }))
    }),
  )
})

describe("BEP 44 rules", () => {
  it.each(bep44.immutable)("the immutable item $value has its target", ({ target, value }) => {
    assert.strictEqual(Bytes.toHex(immutableTarget(encode(value))), target)
  })

  it("signs an empty salt like no salt", () => {
    assert.deepStrictEqual(signable(new Uint8Array(0), 1n, hello), signable(undefined, 1n, hello))
  })

  const held = { publicKey, salt: undefined, seq: 5n, encodedValue: hello, signature: new Uint8Array(64) }
  const other = encode("other")
  it.each([
    { name: "nothing held", held: undefined, put: { seq: 1n, encodedValue: other }, keep: undefined, over: undefined },
    {
      name: "a cas over nothing",
      held: undefined,
      put: { seq: 1n, cas: 9n, encodedValue: other },
      keep: undefined,
      over: undefined,
    },
    { name: "a newer seq", held, put: { seq: 6n, encodedValue: other }, keep: undefined, over: undefined },
    { name: "an older seq", held, put: { seq: 4n, encodedValue: other }, keep: "seq", over: "seq" },
    { name: "an older seq of the same value", held, put: { seq: 4n, encodedValue: hello }, keep: "seq", over: "seq" },
    { name: "the same seq, another value", held, put: { seq: 5n, encodedValue: other }, keep: "seq", over: undefined },
    { name: "the same item again", held, put: { seq: 5n, encodedValue: hello }, keep: undefined, over: undefined },
    { name: "the cas held", held, put: { seq: 6n, cas: 5n, encodedValue: other }, keep: undefined, over: undefined },
    { name: "another cas", held, put: { seq: 6n, cas: 4n, encodedValue: other }, keep: "cas", over: "cas" },
  ])("a put over $name", ({ held, put, keep, over }) => {
    assert.strictEqual(refusal(held, put, "keep-first"), keep)
    assert.strictEqual(refusal(held, put, "overwrite"), over)
  })
})
