import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { fromHex, toHex } from "@topic-tracker/common/Bytes"
import {
  decodeAnswer,
  decodeOpening,
  encodeAnswer,
  encodeClose,
  encodeCredit,
  encodeOpening,
  FINISH_FRAME,
  FrameReader,
  isProtocolName,
} from "../src/streams/wire.ts"

const vectors = JSON.parse(readFileSync(new URL("vectors/streams.json", import.meta.url), "utf8"))

/** All events of bytes that come in pieces of this size; data are put together. */
const eventsOf = (
  bytes: Uint8Array,
  piece: number,
): { readonly events: Array<Array<unknown>>; readonly isRight: boolean } => {
  const reader = new FrameReader()
  const events: Array<Array<unknown>> = []
  let isRight = true
  for (let at = 0; at < bytes.length && isRight; at += piece) {
    isRight = reader.push(bytes.slice(at, at + piece), {
      data: (part) => {
        const last = events.at(-1)
        if (last?.[0] === "data") last[1] += toHex(part)
        else events.push(["data", toHex(part)])
      },
      credit: (count) => events.push(["credit", count]),
      finish: () => events.push(["finish"]),
      close: (code, reason) => events.push(["close", code, reason]),
    })
  }
  return { events, isRight }
}

describe("the bytes of peer streams", () => {
  it("openings are those of the vectors, and are incomplete at every earlier byte", () => {
    for (const { bytes, protocol, topic } of vectors.openings) {
      assert.strictEqual(toHex(encodeOpening({ topic: fromHex(topic), protocol })), bytes)
      assert.deepStrictEqual(decodeOpening(fromHex(bytes)), { topic: fromHex(topic), protocol })
      for (let length = 0; length < bytes.length / 2; length++) {
        assert.isUndefined(decodeOpening(fromHex(bytes).slice(0, length)))
      }
    }
    for (const bytes of vectors.malformedOpenings) assert.strictEqual(decodeOpening(fromHex(bytes)), "malformed", bytes)
  })

  it("answers are those of the vectors; an unknown one is a refusal", () => {
    for (const { answer, code } of vectors.answers) {
      assert.deepStrictEqual(encodeAnswer(answer), Uint8Array.of(code))
      assert.strictEqual(decodeAnswer(code), answer)
    }
    assert.strictEqual(decodeAnswer(200), "refused")
  })

  it("frames are read alike in pieces of any size", () => {
    const bytes = fromHex(vectors.frames.bytes)
    for (let piece = 1; piece <= bytes.length; piece++) {
      assert.deepStrictEqual(eventsOf(bytes, piece), { events: vectors.frames.events, isRight: true })
    }
    assert.strictEqual(
      toHex(
        Uint8Array.of(
          0,
          0,
          0,
          0,
          3,
          97,
          98,
          99,
          ...encodeCredit(32_768),
          ...encodeClose(4_500, "enough"),
          ...FINISH_FRAME,
        ),
      ),
      vectors.frames.bytes,
    )
    for (const hex of vectors.malformedFrames) assert.isFalse(eventsOf(fromHex(hex), 100).isRight, hex)
  })

  it("a long reason is cut", () => {
    assert.deepStrictEqual(eventsOf(encodeClose(1_000, "x".repeat(500)), 1_000).events, [
      ["close", 1_000, "x".repeat(123)],
    ])
  })

  it("a protocol has a name of 1 to 64 bytes", () => {
    for (const name of ["a", "~x", "é".repeat(32)]) assert.isTrue(isProtocolName(name), name)
    for (const name of ["", "x".repeat(65), "é".repeat(33), "\ud800", 7, undefined])
      assert.isFalse(isProtocolName(name))
  })
})
