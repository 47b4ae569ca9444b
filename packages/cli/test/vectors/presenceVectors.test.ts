import { assert, describe, it } from "@effect/vitest"
import { Crypto } from "@topic-tracker/crypto"
import { Effect, Schema } from "effect"
import { presenceVectors } from "../../src/vectors/presenceVectors.ts"
import { vectorsOf } from "./vectorsOf.ts"

const Section = Schema.Array(Schema.Record(Schema.String, Schema.Unknown))
const File = Schema.Struct({
  gossip_topic: Schema.String,
  notes: Section,
  malformed_bodies: Section,
  whispers: Section,
  malformed_whispers: Schema.Array(Schema.String),
})
const file = Schema.decodeUnknownSync(File)(vectorsOf("presence/test/vectors/presence.json"))

describe("presence: vectors that a second implementation made", () => {
  it.effect("match in every field, on either layer of Crypto", () =>
    Effect.gen(function* () {
      for (const layer of [Crypto.layerNative(), Crypto.layerPortable()]) {
        const report = yield* Effect.provide(presenceVectors(file), layer)
        assert.deepStrictEqual(report, { passed: 65, failed: [] })
      }
    }),
  )

  it.effect("do not match with one byte altered", () =>
    Effect.gen(function* () {
      const altered = {
        ...file,
        notes: file.notes.map((each, i) => (i === 0 ? { ...each, stamp: 1 } : each)),
        malformed_bodies: [{ kind: 3, body: "00".repeat(38) }],
        whispers: file.whispers.map((each, i) =>
          i === 0 ? { ...each, bytes: `${String(each.bytes).slice(0, -2)}01` } : each,
        ),
        malformed_whispers: file.whispers.slice(0, 1).map(({ bytes }) => `${bytes}`),
      }
      const { failed } = yield* Effect.provide(presenceVectors(altered), Crypto.layer())
      assert.deepStrictEqual(failed, [
        'presence, note "here, no state": stamp, made again',
        `presence, body ${"00".repeat(20)}: refused`,
        'presence, whisper "nobody is known": encoding, decoding',
        "presence, whisper 0100000000000000000000000000: refused",
      ])
    }),
  )

  it.effect("are distinguished from other files by a SchemaError", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Effect.provide(presenceVectors({ notes: [{}] }), Crypto.layer()))
      assert.strictEqual(error._tag, "SchemaError")
    }),
  )
})
