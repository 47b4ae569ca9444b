import { assert, describe, it } from "@effect/vitest"
import { Crypto } from "@topic-tracker/crypto"
import { Effect, Schema } from "effect"
import { peerStreamVectors } from "../../src/vectors/peerStreamVectors.ts"
import { vectorsOf } from "./vectorsOf.ts"

const File = Schema.Record(Schema.String, Schema.Unknown)
const file = Schema.decodeUnknownSync(File)(vectorsOf("peers/test/vectors/streams.json"))
const check = (json: unknown) => Effect.provide(peerStreamVectors(json), Crypto.layer())

describe("the vectors of peer streams", () => {
  it.effect("match: openings, answers, and frames in pieces of every size", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* check(file), { passed: 17, failed: [] })
    }),
  )

  it.effect("do not match when something is altered", () =>
    Effect.gen(function* () {
      const { failed } = yield* check({
        ...file,
        openings: [{ topic: "00".repeat(32), protocol: "echo", bytes: `10${"00".repeat(32)}046563686e` }],
        malformedOpenings: [`10${"00".repeat(32)}0161`],
        answers: [{ code: 1, answer: "open" }],
        frames: { bytes: "02", events: [["credit", 1]] },
        malformedFrames: ["02"],
      })
      assert.deepStrictEqual(failed, [
        'streams, opening "echo": encoding, decoding',
        `streams, opening 10${"00".repeat(19)}: refused`,
        "streams, answer 1: encoding, decoding",
        "streams, frames: encoding, decoding",
        "streams, frames 02: refused",
      ])
    }),
  )

  it.effect("are distinguished from other files by a SchemaError", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* Effect.flip(check({ openings: 1 })))._tag, "SchemaError")
    }),
  )
})
