import { assert, describe, it } from "@effect/vitest"
import { Presence } from "@topic-tracker/presence"
import { Effect, Metric, Schema, Stream } from "effect"
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

  it.effect("shows the members to programs that watch the node, as long as it is open", () =>
    Effect.gen(function* () {
      const { node } = yield* makeWorld()
      const ada = yield* node("Ada")
      const cleo = yield* node("Cleo")
      const dan = yield* node("Dan")
      yield* pass("1 second")
      const ben = yield* node("x".repeat(199))
      yield* pass("5 seconds")
      const source = yield* ada.view.members
      if (source === undefined) return assert.fail("no members are shown")
      const seen: Array<string> = []
      yield* Effect.forkScoped(
        Stream.runForEach(source.changes, ({ _tag, id }) => Effect.sync(() => seen.push(`${_tag} ${id}`))),
      )
      assert.deepStrictEqual(yield* source.counts, { members: 4, suspected: 0 })
      const [newest, ...others] = yield* source.first(10)
      assert.deepInclude(newest, { id: ben.id, suspected: false })
      // The text of its state would have more than 200 characters.
      assert.strictEqual(newest?.state, `{"name":"${"x".repeat(190)}…`)
      assert.sameMembers(
        others.map(({ state }) => state),
        [`{"name":"Ada"}`, `{"name":"Cleo"}`, `{"name":"Dan"}`],
      )
      assert.lengthOf(yield* source.first(2), 2)
      yield* ben.leave
      yield* pass("1 second")
      yield* cleo.crash
      yield* pass("20 seconds")
      assert.sameMembers(
        seen.slice(0, 4),
        [ada, ben, cleo, dan].map(({ id }) => `Joined ${id}`),
      )
      assert.deepStrictEqual(seen.slice(4), [`Left ${ben.id}`, `Suspected ${cleo.id}`, `Lost ${cleo.id}`])
      yield* ada.topic.suspend
      assert.isUndefined(yield* ada.view.members)
      yield* ada.topic.resume
      assert.isUndefined(yield* ada.view.members, "a presence does not go on after a suspend")
    }),
  )
})
