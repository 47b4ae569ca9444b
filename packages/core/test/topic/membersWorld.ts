import { Effect } from "effect"
import { TestClock } from "effect/testing"

/** Lets time pass in steps of 50 ms. */
export const passTime = (ms: number): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (let passed = 0; passed < ms; passed += 50) yield* TestClock.adjust(50)
  })
