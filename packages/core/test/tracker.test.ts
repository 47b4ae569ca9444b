/** The topics of a node as a program sees them that watches it. */
import { assert, describe, it } from "@effect/vitest"
import { TopicTracker } from "@topic-tracker/core"
import { MemoryWorld } from "@topic-tracker/core/testing"
import { Context, Effect, Exit, Layer, Scope, Stream } from "effect"
import { pass } from "./topic/world.ts"

describe("TopicTracker", () => {
  it.effect("opened: the topics that are open, each one that opens, and the end of the node", () =>
    Effect.gen(function* () {
      const world = yield* MemoryWorld.make()
      const scope = yield* Scope.fork(yield* Effect.scope)
      const tracker = Context.get(yield* Layer.buildWithScope(MemoryWorld.layer(world), scope), TopicTracker)
      const join = (topic: string) => tracker.joinNoWait({ topic, secret: "s" })
      const first = yield* join("first")
      const seen: Array<string> = []
      const end = yield* tracker.opened.pipe(
        Stream.runForEach(({ id }) => Effect.sync(() => seen.push(id.hex))),
        Effect.forkScoped,
      )
      yield* pass("10 millis")
      assert.deepStrictEqual(seen, [first.id.hex])
      // The same topic again is not opened again; one that was left and joined is.
      yield* join("first")
      const second = yield* Effect.scoped(join("second"))
      yield* pass("10 millis")
      yield* join("second")
      yield* pass("10 millis")
      assert.deepStrictEqual(seen, [first.id.hex, second.id.hex, second.id.hex])
      assert.isUndefined(end.pollUnsafe())
      yield* Scope.close(scope, Exit.void)
      yield* pass("10 millis")
      assert.isDefined(end.pollUnsafe())
    }),
  )
})
