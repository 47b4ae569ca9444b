import { assert, describe, it } from "@effect/vitest"
import { Presence } from "@topic-tracker/presence"
import { Effect, Metric, Schema } from "effect"
import { makeWorld, pass } from "./world.ts"

describe("Presence over a world in memory", () => {
  it.effect("shows all members with their state, also to those that come later", () =>
    Effect.gen(function* () {
      const { node } = yield* makeWorld()
      const ada = yield* node("Ada")
      const ben = yield* node("Ben")
      yield* pass("5 seconds")
      assert.deepStrictEqual(yield* ada.names, ["Ada", "Ben"])
      assert.deepStrictEqual(yield* ben.names, ["Ada", "Ben"])
      const cleo = yield* node("Cleo")
      yield* pass("3 seconds")
      for (const each of [ada, ben, cleo]) assert.deepStrictEqual(yield* each.names, ["Ada", "Ben", "Cleo"])
      assert.deepStrictEqual([...cleo.changes].sort(), ["Joined Ada", "Joined Ben", "Joined Cleo"])
    }),
  )

  it.effect("publishes the number of members as a metric, and fails typed where there is no presence", () =>
    Effect.gen(function* () {
      const { node } = yield* makeWorld()
      const ada = yield* node("Ada")
      yield* node("Ben")
      yield* Presence.publishMetrics(ada.presence)
      yield* pass("5 seconds")
      const members = (yield* Metric.snapshot).find(({ id }) => id === "topic_tracker_presence_members")
      assert.deepInclude(members?.state, { value: 2 })
      const problem = (options: Partial<Presence.PresenceOptions<string>>) =>
        Effect.map(
          Effect.flip(Presence.make(ada.topic, { schema: Schema.String, state: "x", ...options })),
          ({ reason }) => reason,
        )
      assert.strictEqual(yield* problem({}), "AlreadyOpen")
      assert.strictEqual(yield* problem({ state: "x".repeat(300) }), "StateTooLarge")
      assert.strictEqual(yield* problem({ maxStateBytes: 2_000 }), "InvalidArgument")
      assert.strictEqual(yield* problem({ maxMembers: 0 }), "InvalidArgument")
      yield* ada.topic.suspend
      const closed = yield* Effect.flip(ada.presence.update({ name: "Ada" }))
      assert.strictEqual(closed.reason, "Closed")
    }),
  )

  it.effect("tells a new state to all, the newest of several", () =>
    Effect.gen(function* () {
      const { node } = yield* makeWorld()
      const ada = yield* node("Ada")
      const ben = yield* node("Ben")
      yield* pass("5 seconds")
      yield* ada.presence.update({ name: "Ada L." })
      yield* ada.presence.update({ name: "Ada Lovelace" })
      yield* pass("1 second")
      assert.deepStrictEqual(yield* ben.names, ["Ada Lovelace", "Ben"])
      assert.deepStrictEqual(ben.changes.slice(2), ["Updated Ada Lovelace"])
    }),
  )

  it.effect("a member that leaves is gone at once; one that crashes is suspected, then lost", () =>
    Effect.gen(function* () {
      const { node } = yield* makeWorld()
      const nodes = [yield* node("Ada"), yield* node("Ben"), yield* node("Cleo"), yield* node("Dan")]
      yield* pass("5 seconds")
      const [ada, ben, cleo, dan] = nodes as [
        (typeof nodes)[0],
        (typeof nodes)[0],
        (typeof nodes)[0],
        (typeof nodes)[0],
      ]
      yield* dan.leave
      yield* pass("1 second")
      for (const each of [ada, ben, cleo]) {
        assert.deepStrictEqual(yield* each.names, ["Ada", "Ben", "Cleo"])
        assert.strictEqual(each.changes.at(-1), "Left Dan")
      }
      yield* cleo.crash
      yield* pass("20 seconds")
      for (const each of [ada, ben]) {
        assert.deepStrictEqual(yield* each.names, ["Ada", "Ben"])
        assert.deepStrictEqual(each.changes.slice(-2), ["Suspected Cleo", "Lost Cleo"])
      }
    }),
  )
})
