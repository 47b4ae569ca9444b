import { assert, describe, it } from "@effect/vitest"
import { Bytes } from "@topic-tracker/common"
import { Schema } from "effect"
import { decode, encode } from "../src/krpc/bencode.ts"
import { makeGenerator } from "../src/testing/memory/generator.ts"

const utf8 = (text: string) => new TextEncoder().encode(text)
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const Int64 = Schema.BigInt.check(Schema.isBetweenBigInt({ minimum: -(2n ** 63n), maximum: 2n ** 63n - 1n }))

describe("bencode", () => {
  it.prop("an integer of 64 bits comes back exactly", [Int64], ([value]) => {
    assert.strictEqual(decode(encode(value)), value)
  })

  it.prop(
    "bytes come back exactly, in a list and under any Latin-1 key",
    [Schema.Uint8Array, Schema.Uint8Array],
    ([value, name]) => {
      const key = String.fromCharCode(...name)
      const decoded = decode(encode({ [key]: [value, value] }))
      assert.deepStrictEqual(Object.keys(decoded as object), [key])
      assert.deepStrictEqual((decoded as Record<string, Array<Uint8Array>>)[key]![0], value)
    },
  )

  it("writes keys in byte order and leaves out what is undefined", () => {
    assert.strictEqual(text(encode({ b: 1, a: "x", c: undefined, Z: [] })), "d1:Zle1:a1:x1:bi1ee")
  })

  it("treats __proto__ as a key like any other", () => {
    const decoded = decode(utf8("d9:__proto__i1ee"))
    assert.deepStrictEqual(Object.keys(decoded!), ["__proto__"])
    for (const inherited of ["toString", "constructor"]) assert.isFalse(inherited in Object(decoded))
    assert.strictEqual(text(encode(decoded!)), "d9:__proto__i1ee")
  })

  it("throws for numbers that are not safe integers", () => {
    for (const value of [0.5, Number.NaN, 2 ** 53, 2n ** 63n, -(2n ** 63n) - 1n])
      assert.throws(() => encode(value), RangeError)
  })

  it.each([
    ["nothing", ""],
    ["trailing bytes", "i1ei2e"],
    ["no digits", "ie"],
    ["minus alone", "i-e"],
    ["minus zero", "i-0e"],
    ["leading zero", "i01e"],
    ["minus before a leading zero", "i-01e"],
    ["plus", "i+1e"],
    ["no end", "i1"],
    ["one above 64 bits", "i9223372036854775808e"],
    ["one below 64 bits", "i-9223372036854775809e"],
    ["many digits", `i${"1".repeat(400)}e`],
    ["length with a leading zero", "01:a"],
    ["string longer than the input", "5:abcd"],
    ["length beyond all memory", "9999999999999999999:a"],
    ["length without a colon", "5"],
    ["negative length", "-1:a"],
    ["list without an end", "l1:a"],
    ["dictionary without an end", "d1:ai1e"],
    ["key without a value", "d1:ae"],
    ["key that is no string", "di1ei2ee"],
    ["keys out of order", "d1:bi1e1:ai1ee"],
    ["a key twice", "d1:ai1e1:ai2ee"],
    ["17 levels", `${"l".repeat(17)}${"e".repeat(17)}`],
    ["more than 1,024 values", `l${"i1e".repeat(1024)}e`],
    ["deep nesting", "l".repeat(60_000)],
    ["not bencoding", "hello"],
  ])("does not read %s", (_name, input) => {
    assert.isUndefined(decode(utf8(input)))
  })

  it("reads 16 levels and 1,024 values", () => {
    assert.isDefined(decode(utf8(`${"l".repeat(16)}${"e".repeat(16)}`)))
    assert.isDefined(decode(utf8(`l${"i1e".repeat(1023)}e`)))
  })

  it("writes back damaged input that it can read byte for byte, and never throws", () => {
    const generator = makeGenerator(44)
    const pick = (length: number) => Math.floor(generator.next() * length)
    const sample = encode({ a: { id: new Uint8Array(20), seq: -7n, v: [1, "x", {}] }, q: "get", t: "abcd", y: "q" })
    let read = 0
    for (let round = 0; round < 30_000; round++) {
      const input = sample.slice(0, generator.next() < 0.2 ? pick(sample.length) : sample.length)
      for (let damage = pick(4); damage >= 0 && input.length > 0; damage--) input[pick(input.length)] = pick(256)
      const value = decode(input)
      if (value === undefined) continue
      read++
      assert.strictEqual(Bytes.toHex(encode(value)), Bytes.toHex(input))
    }
    assert.isAbove(read, 100)
  })
})
