/** Nodes that give one topic in two ways: with the other access, or with another secret. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { collect, makeWorld, pass, quiet } from "./world.ts"

describe("a topic that other nodes joined in another way", () => {
  it.effect("is told once that they use the other access, and nobody is dialled for it", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const nodes = yield* world.nodes(4, quiet)
      const access = ["open", "open", "members", "members"] as const
      const topics = yield* Effect.forEach(nodes, (node, i) => node.join({ access: access[i]! }))
      const activities = yield* Effect.forEach(topics, (topic) => collect(topic.activity))
      yield* pass("90 seconds")
      // A fifth node reads the records of both kinds.
      const late = yield* world.node(quiet)
      const joined = yield* late.join({ access: "members" })
      const seen = yield* collect(joined.activity)
      yield* pass("30 seconds")
      assert.isTrue(yield* joined.isJoined)
      const mismatches = seen.flatMap((each) => (each._tag === "AccessMismatch" ? [each.theirs] : []))
      assert.deepStrictEqual(mismatches, ["open"])
      const kindOf = new Map(nodes.map(({ endpointId }, i) => [endpointId, access[i]!]))
      for (const [i, entries] of [...activities, seen].entries()) {
        const told = entries.flatMap((each) => (each._tag === "AccessMismatch" ? [each.theirs] : []))
        assert.isAtMost(told.length, 1)
        for (const each of entries) {
          if (each._tag === "DialBegan") assert.strictEqual(kindOf.get(each.peer), access[i] ?? "members")
        }
      }
    }),
  )

  it.effect("is told once that no record opens, and not while it is merely alone", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const [alone, one, other] = yield* world.nodes(3, quiet)
      const lonely = yield* collect((yield* alone!.join({ topic: "another topic" })).activity)
      yield* one!.join()
      yield* pass("10 seconds")
      const wrong = yield* collect((yield* other!.join({ secret: "a guess" })).activity)
      yield* pass("40 seconds")
      const told = wrong.filter(({ _tag }) => _tag === "NothingOpens")
      assert.strictEqual(told.length, 1)
      assert.isAbove(told[0]!._tag === "NothingOpens" ? told[0]!.records : 0, 0)
      assert.isAtMost(told[0]!.at, 10_000)
      assert.isFalse(lonely.some(({ _tag }) => _tag === "NothingOpens" || _tag === "AccessMismatch"))
    }),
  )
})
