import { assert, describe, it } from "@effect/vitest"
import { Crypto } from "@topic-tracker/crypto"
import { Effect, Schema } from "effect"
import { membersVectors } from "../../src/vectors/membersVectors.ts"
import { vectorsOf } from "./vectorsOf.ts"

const Section = Schema.Array(Schema.Record(Schema.String, Schema.Unknown))
const File = Schema.Struct({
  keys: Section,
  doors: Section,
  envelopes: Section,
  bad_envelopes: Section,
  invitations: Section,
  bad_invitations: Section,
})
const file = Schema.decodeUnknownSync(File)(vectorsOf("core/test/vectors/members.json"))

describe("members-only topics: the project's own vectors, with which a second implementation agrees", () => {
  it.effect("match in every field, on either layer of Crypto", () =>
    Effect.gen(function* () {
      for (const layer of [Crypto.layerNative(), Crypto.layerPortable()]) {
        const report = yield* Effect.provide(membersVectors(file), layer)
        assert.deepStrictEqual(report, { passed: 95, failed: [] })
      }
    }),
  )

  it("are as many as the specification promises", () => {
    assert.deepStrictEqual(
      Object.values(file).map((section) => section.length),
      [8, 8, 26, 37, 8, 8],
    )
  })

  it.effect("do not match with one byte altered", () =>
    Effect.gen(function* () {
      const alter = (section: typeof Section.Type, field: string) =>
        section.map((each, i) => (i === 0 ? { ...each, [field]: `00${String(each[field]).slice(2)}` } : each))
      const altered = {
        ...file,
        keys: alter(file.keys, "seal_key"),
        doors: alter(file.doors, "m4"),
        envelopes: file.envelopes.map((each, i) =>
          i === 0 ? { ...each, bytes: `${String(each.bytes).slice(0, -2)}00` } : each,
        ),
        invitations: alter(file.invitations, "secret"),
      }
      const report = yield* Effect.provide(membersVectors(altered), Crypto.layer())
      assert.deepStrictEqual(report, {
        passed: 91,
        failed: [
          "members, keys 0: seal key",
          'members, door "both in one minute": proofs',
          'members, envelope "signed": verdict, step',
          'members, invitation "a name, a secret, two peers": secret',
        ],
      })
    }),
  )

  it.effect("are distinguished from other files by a SchemaError", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Effect.provide(membersVectors({ keys: [{}] }), Crypto.layer()))
      assert.strictEqual(error._tag, "SchemaError")
    }),
  )
})
