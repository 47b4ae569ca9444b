import { readFileSync } from "node:fs"
import { assert, describe, it, layer } from "@effect/vitest"
import { Bytes, Crypto } from "@topic-tracker/crypto"
import { checkVectors } from "@topic-tracker/dht"
import { Effect } from "effect"
import { encode } from "../src/krpc/bencode.ts"
import { immutableTarget, refusal, signable, targetOf, verifyItem } from "../src/mutableItem.ts"

const hello = encode("Hello World!")
const ascii = (text: string) => new TextEncoder().encode(text)
const publicKey = Bytes.fromHex("77ff84905a91936367c01360803104f92432fcd904a43511876df5cdf3e7e548")
const vectors: unknown = JSON.parse(readFileSync(new URL("./vectors/dht-items.json", import.meta.url), "utf8"))

// The test vectors in BEP 44.
const bep44 = [
  {
    salt: undefined,
    signed: "3:seqi1e1:v12:Hello World!",
    target: "4a533d47ec9c7d95b1ad75f576cffc641853b750",
    signature:
      "305ac8aeb6c9c151fa120f120ea2cfb923564e11552d06a5d856091e5e853cff1260d3f39e4999684aa92eb73ffd136e6f4f3ecbfda0ce53a1608ecd7ae21f01",
  },
  {
    salt: ascii("foobar"),
    signed: "4:salt6:foobar3:seqi1e1:v12:Hello World!",
    target: "411eba73b6f087ca51a3795d9c8c938d365e32c1",
    signature:
      "6834284b6b24c3204eb2fea824d82f88883a3d95e8b4a21b8c0ded553d17d17ddf9a8a7104b1258f30bed3787e6cb896fca78c58f8e03b5f18f14951a87d9a08",
  },
]

layer(Crypto.layer)("mutable items", (it) => {
  it.effect.each(bep44)("BEP 44: the item at $target", ({ salt, signed, target, signature }) =>
    Effect.gen(function* () {
      const crypto = yield* Crypto
      assert.strictEqual(new TextDecoder().decode(signable(salt, 1n, hello)), signed)
      assert.strictEqual(Bytes.toHex(targetOf(publicKey, salt)), target)
      const item = { publicKey, salt, seq: 1n, encodedValue: hello, signature: Bytes.fromHex(signature) }
      assert.isTrue(verifyItem(crypto, item))
      assert.isFalse(verifyItem(crypto, { ...item, seq: 2n }))
      assert.isFalse(verifyItem(crypto, { ...item, salt: ascii("other") }))
    }),
  )

  it.effect("every recorded item holds", () =>
    Effect.gen(function* () {
      const { passed, failed } = yield* checkVectors(vectors)
      assert.deepStrictEqual(failed, [])
      assert.isAbove(passed, 10)
    }),
  )

  it.effect("a recorded item that was altered does not", () =>
    Effect.gen(function* () {
      const { cases } = vectors as { readonly cases: ReadonlyArray<{ readonly value: string }> }
      const altered = cases.map((vector, i) => (i === 3 ? { ...vector, value: `${vector.value}00` } : vector))
      const { passed, failed } = yield* checkVectors({ cases: altered })
      assert.strictEqual(passed, cases.length - 1)
      assert.deepStrictEqual(failed, ["case 3: signature does not hold, signing again"])
    }),
  )

  it.effect("JSON that is no list of items is an error", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(checkVectors({ cases: [{ seed: "zz" }] }))
      assert.include(error.message, "seed")
    }),
  )
})

describe("BEP 44 rules", () => {
  it("the immutable item of the BEP has its target", () => {
    assert.strictEqual(Bytes.toHex(immutableTarget(hello)), "e5f96f6f38320f0f33959cb4d3d656452117aadb")
  })

  it("an empty salt is signed as none", () => {
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
