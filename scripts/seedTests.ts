/**
 * Every test draws the same numbers at each run: a failure comes back when looked for, and a change is what made it. Effect's
 * Random rests on Math.random where no seed is given, and properties take their seed from it. TEST_SEED=TEXT draws other numbers.
 */
import { Effect, Random } from "effect"
import { beforeEach } from "vitest"

const seedRandom = (test: string): void => {
  const random = Effect.runSync(Random.withSeed(Random.Random, `${process.env.TEST_SEED ?? ""} ${test}`))
  Math.random = () => random.nextDoubleUnsafe()
}

// For what a file draws before its first test.
seedRandom("set-up")
beforeEach(({ task }) => seedRandom(task.fullName))
