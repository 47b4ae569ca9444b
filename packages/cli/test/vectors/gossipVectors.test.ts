import { assert, describe, it } from "@effect/vitest"
import { Crypto } from "@topic-tracker/crypto"
import { Effect, Schema } from "effect"
import { gossipVectors } from "../../src/vectors/gossipVectors.ts"
import { vectorsOf } from "./vectorsOf.ts"

const GossipFrames = Schema.Struct({
  cases: Schema.Array(Schema.Record(Schema.String, Schema.Unknown)),
  stream_header_frame: Schema.String,
  topic_id: Schema.String,
})

const file = Schema.decodeUnknownSync(GossipFrames)(vectorsOf("gossip/test/vectors/gossip-frames.json"))

describe("gossip vectors", () => {
  it.effect("decode and encode every message of the Rust protocol byte for byte", () =>
    Effect.gen(function* () {
      const report = yield* gossipVectors(file)
      assert.deepStrictEqual(report, { passed: file.cases.length + 1, failed: [] })
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("report a wrong field, byte or header by case and name", () =>
    Effect.gen(function* () {
      const [first, ...rest] = file.cases
      const { alive, respond } = Schema.decodeUnknownSync(
        Schema.Struct({ alive: Schema.Boolean, respond: Schema.Boolean }),
      )(first!.fields)
      const report = yield* gossipVectors({
        ...file,
        cases: [{ ...first, fields: { alive: !alive, respond } }, ...rest],
        stream_header_frame: `0000001f${file.stream_header_frame.slice(8, -2)}`,
      })
      assert.strictEqual(report.passed, file.cases.length - 1)
      assert.deepStrictEqual(report.failed, [
        "gossip-frames case 0 (Disconnect): decoding, encoding, frame writing",
        "gossip-frames stream header: topic id",
      ])
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("refuse a file of another format with a SchemaError", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(gossipVectors({ cases: [{ kind: "Unheard" }] }))
      assert.strictEqual(error._tag, "SchemaError")
    }).pipe(Effect.provide(Crypto.layer())),
  )
})
