/** The class that lets the workers of a joined topic wait while the nodes of its slot answer few queries. */
import { assert, describe, it } from "@effect/vitest"
import { Timers } from "@topic-tracker/common"
import { Effect, Fiber, Random } from "effect"
import { TestClock } from "effect/testing"
import { SlotLoad } from "../../../src/topic/knowledge/SlotLoad.ts"

const withLoad = (
  test: (
    load: SlotLoad,
    look: (answered: number, silent: number) => Effect.Effect<void>,
  ) => Effect.Effect<void, never, never>,
) =>
  Effect.gen(function* () {
    const load = new SlotLoad(yield* Timers.make)
    yield* test(load, (answered, silent) => load.watch(({ onOver }) => Effect.sync(() => onOver(answered, silent))))
  }).pipe(Effect.scoped, Random.withSeed("slot load"))

/** The time until the slot counts as not busy, in s. */
const secondsBusy = Effect.fnUntraced(function* (load: SlotLoad) {
  let seconds = 0
  for (; load.isBusy; seconds++) yield* TestClock.adjust("1 second")
  return seconds
})

describe("SlotLoad", () => {
  it.effect("takes a slot for busy if four nodes or more were asked, and seven in eight are silent", () =>
    withLoad((load, look) =>
      Effect.gen(function* () {
        assert.isFalse(load.isBusy)
        for (const [answered, silent] of [
          [0, 3],
          [1, 6],
          [3, 17],
          [20, 0],
        ] as const) {
          yield* look(answered, silent)
          assert.isFalse(load.isBusy, `${answered} of ${answered + silent}`)
        }
        yield* look(0, 4)
        assert.isTrue(load.isBusy)
        yield* secondsBusy(load)
        yield* look(1, 7)
        assert.isTrue(load.isBusy)
      }),
    ),
  )

  it.effect("waits twice as long each time, up to some minutes, and from the shortest once the nodes answer", () =>
    withLoad((load, look) =>
      Effect.gen(function* () {
        for (const least of [10, 20, 40, 80, 160, 160]) {
          yield* look(0, 20)
          // A search looks on; that makes the wait no longer.
          yield* look(0, 20)
          const seconds = yield* secondsBusy(load)
          assert.isAtLeast(seconds, least)
          assert.isAtMost(seconds, 2 * least + 1)
        }
        yield* look(0, 20)
        yield* look(3, 1)
        assert.isTrue(load.isBusy)
        yield* look(4, 4)
        assert.isFalse(load.isBusy)
        yield* look(0, 20)
        assert.isAtMost(yield* secondsBusy(load), 21)
      }),
    ),
  )

  it.effect("waits no longer after a few silent nodes again, which may be chance", () =>
    withLoad((load, look) =>
      Effect.gen(function* () {
        for (let i = 0; i < 4; i++) {
          yield* look(0, 6)
          assert.isAtMost(yield* secondsBusy(load), 21)
        }
      }),
    ),
  )

  it.effect("never waits with the timing of the crate", () =>
    Effect.gen(function* () {
      const load = new SlotLoad(yield* Timers.make, false)
      yield* load.watch(({ onOver }) => Effect.sync(() => onOver(0, 20)))
      assert.isFalse(load.isBusy)
    }).pipe(Effect.scoped),
  )

  it.effect("learns from a lookup that is interrupted", () =>
    withLoad((load) =>
      Effect.gen(function* () {
        const cut = load.watch(({ onOver }) => Effect.onInterrupt(Effect.never, () => Effect.sync(() => onOver(1, 9))))
        yield* Fiber.interrupt(yield* Effect.forkChild(cut, { startImmediately: true }))
        assert.isTrue(load.isBusy)
      }),
    ),
  )

  it.effect("lets a lookup that can wait begin when the slot is free again", () =>
    withLoad((load, look) =>
      Effect.gen(function* () {
        yield* load.awaitTurn
        yield* look(0, 20)
        let begun = false
        yield* Effect.forkChild(
          Effect.andThen(
            load.awaitTurn,
            Effect.sync(() => (begun = true)),
          ),
        )
        yield* TestClock.adjust("9 seconds")
        assert.isFalse(begun)
        yield* TestClock.adjust("11 seconds")
        assert.isTrue(begun)
      }),
    ),
  )
})
