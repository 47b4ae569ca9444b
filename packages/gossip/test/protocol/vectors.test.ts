import { readFileSync } from "node:fs"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Protocol from "../../src/protocol/index.ts"

const file = JSON.parse(readFileSync(new URL("../vectors/gossip-frames.json", import.meta.url), "utf8"))

it.effect("every message of the Rust protocol is read and written byte for byte", () =>
  Effect.gen(function* () {
    const report = yield* Protocol.checkVectors(file)
    assert.deepStrictEqual(report, { passed: file.cases.length + 1, failed: [] })
  }),
)

it.effect("a wrong field, byte or header is reported by case and name", () =>
  Effect.gen(function* () {
    const broken = structuredClone(file)
    broken.cases[0].fields.alive = !broken.cases[0].fields.alive
    broken.stream_header_frame = `0000001f${broken.stream_header_frame.slice(8, -2)}`
    const report = yield* Protocol.checkVectors(broken)
    assert.strictEqual(report.passed, file.cases.length - 1)
    assert.deepStrictEqual(report.failed, [
      "gossip-frames case 0 (Disconnect): decoding, encoding, frame writing",
      "gossip-frames stream header: topic id",
    ])
  }),
)

it.effect("a file of another shape is a SchemaError", () =>
  Effect.gen(function* () {
    const error = yield* Effect.flip(Protocol.checkVectors({ cases: [{ kind: "Unheard" }] }))
    assert.strictEqual(error._tag, "SchemaError")
  }),
)
