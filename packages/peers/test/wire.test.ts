/** The bytes of peer streams beyond their vectors, which the `vectors` command checks. */
import { assert, describe, it } from "@effect/vitest"
import { decodeAnswer, encodeClose, FrameReader, isProtocolName } from "../src/wire.ts"

describe("the bytes of peer streams", () => {
  it("an unknown answer is a refusal", () => {
    assert.strictEqual(decodeAnswer(200), "refused")
  })

  it("a long reason is cut", () => {
    const closes: Array<ReadonlyArray<unknown>> = []
    const isRight = new FrameReader().push(encodeClose(1_000, "x".repeat(500)), {
      data: () => {},
      credit: () => {},
      finish: () => {},
      close: (code, reason) => closes.push([code, reason]),
    })
    assert.isTrue(isRight)
    assert.deepStrictEqual(closes, [[1_000, "x".repeat(123)]])
  })

  it("a protocol has a name of 1 to 64 bytes", () => {
    for (const name of ["a", "~x", "é".repeat(32)]) assert.isTrue(isProtocolName(name), name)
    for (const name of ["", "x".repeat(65), "é".repeat(33), "\ud800", 7, undefined])
      assert.isFalse(isProtocolName(name))
  })
})
